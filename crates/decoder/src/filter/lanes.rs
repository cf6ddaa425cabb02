//! Loads and stores of the waves' rows: the unsafe code of the filters.
//!
//! [`super::wave`] decides in safe code which bytes are loaded and stored, and what
//! is computed with them.
#![allow(
    unsafe_code,
    reason = "rows are read and written without a slice for each; both blocks have their proof"
)]

use crate::simd::{HALF, U8x32};

/// Bytes that a block has of each row.
pub(super) const BLOCK: usize = HALF;

/// A copy of a block, for blocks that are not wholly inside the image.
pub(super) type Tile<const ROWS: usize> = [[u8; BLOCK]; ROWS];

/// Bytes from the first byte of the first row to the last byte of the last row.
const fn extent(rows: usize, stride: usize) -> usize {
    (rows - 1).saturating_mul(stride).saturating_add(BLOCK)
}

/// `BLOCK` bytes of each row of a wave, `stride` bytes apart.
pub(super) struct Lanes<'a, const ROWS: usize> {
    /// At least [`extent`] bytes: all constructors check it.
    bytes: &'a [u8],
    stride: usize,
}

impl<'a, const ROWS: usize> Lanes<'a, ROWS> {
    /// `None` if `bytes` ends before the last row does.
    #[inline(always)]
    pub(super) fn new(bytes: &'a [u8], stride: usize) -> Option<Self> {
        (bytes.len() >= extent(ROWS, stride)).then_some(Self { bytes, stride })
    }

    /// The rows of a tile, whose length is the extent of `ROWS` rows `BLOCK` bytes apart.
    pub(super) fn tile(tile: &'a Tile<ROWS>) -> Self {
        Self {
            bytes: tile.as_flattened(),
            stride: BLOCK,
        }
    }

    /// The bytes of one row.
    ///
    /// Panics if `lane` is not less than `ROWS`. The loops below run over arrays of
    /// `ROWS` registers, so the compiler leaves the check out.
    #[inline(always)]
    fn lane(&self, lane: usize) -> &[u8; BLOCK] {
        assert!(lane < ROWS);
        // SAFETY: `lane <= ROWS - 1`, so `lane * stride + BLOCK <= extent(ROWS, stride)`,
        // and `bytes` is at least that long. A byte array needs no alignment, and the
        // result borrows `self`.
        unsafe { &*self.bytes.as_ptr().add(lane * self.stride).cast() }
    }
}

/// [`Lanes`] that can be written.
pub(super) struct LanesMut<'a, const ROWS: usize> {
    /// At least [`extent`] bytes: all constructors check it.
    bytes: &'a mut [u8],
    stride: usize,
}

impl<'a, const ROWS: usize> LanesMut<'a, ROWS> {
    /// `None` if `bytes` ends before the last row does.
    #[inline(always)]
    pub(super) fn new(bytes: &'a mut [u8], stride: usize) -> Option<Self> {
        (bytes.len() >= extent(ROWS, stride)).then_some(Self { bytes, stride })
    }

    /// The rows of a tile, whose length is the extent of `ROWS` rows `BLOCK` bytes apart.
    pub(super) fn tile(tile: &'a mut Tile<ROWS>) -> Self {
        Self {
            bytes: tile.as_flattened_mut(),
            stride: BLOCK,
        }
    }

    /// The bytes of one row.
    ///
    /// Panics if `lane` is not less than `ROWS`. The loops below run over arrays of
    /// `ROWS` registers, so the compiler leaves the check out.
    #[inline(always)]
    fn lane(&mut self, lane: usize) -> &mut [u8; BLOCK] {
        assert!(lane < ROWS);
        // SAFETY: `lane <= ROWS - 1`, so `lane * stride + BLOCK <= extent(ROWS, stride)`,
        // and `bytes` is at least that long. A byte array needs no alignment, and the
        // result borrows `self` mutably.
        unsafe { &mut *self.bytes.as_mut_ptr().add(lane * self.stride).cast() }
    }
}

/// Loads one row of each wave into each register: the leading wave's into the lower
/// half, the trailing wave's into the upper half.
#[inline]
#[cfg_attr(target_arch = "x86_64", target_feature(enable = "avx2"))]
pub(super) fn load_lanes<const ROWS: usize>(
    [leading, trailing]: [Lanes<'_, ROWS>; 2],
    registers: &mut [U8x32; ROWS],
) {
    for (lane, register) in registers.iter_mut().enumerate() {
        *register = U8x32::load([leading.lane(lane), trailing.lane(lane)]);
    }
}

/// Stores the upper or the lower half of each register in its row.
#[inline]
#[cfg_attr(target_arch = "x86_64", target_feature(enable = "avx2"))]
pub(super) fn store_lanes<const ROWS: usize, const UPPER: bool>(
    registers: &[U8x32; ROWS],
    mut target: LanesMut<'_, ROWS>,
) {
    for (lane, register) in registers.iter().enumerate() {
        let [lower, upper] = register.halves();
        *target.lane(lane) = if UPPER { upper } else { lower };
    }
}

/// Stores the first bytes of the upper or the lower half of each register in its row,
/// and leaves the bytes after them as they are. `inside(lane)` is the number of bytes.
#[inline]
#[cfg_attr(target_arch = "x86_64", target_feature(enable = "avx2"))]
pub(super) fn store_first_bytes<const ROWS: usize, const UPPER: bool>(
    registers: &[U8x32; ROWS],
    mut target: LanesMut<'_, ROWS>,
    inside: impl Fn(usize) -> isize,
) {
    for (lane, register) in registers.iter().enumerate() {
        let [lower, upper] = register.halves();
        let bytes = u128::from_le_bytes(if UPPER { upper } else { lower });
        let bits = 8 * inside(lane).clamp(0, BLOCK as isize) as u32;
        let kept_mask = u128::MAX.checked_shl(bits).unwrap_or(0);
        let target = target.lane(lane);
        let kept = u128::from_le_bytes(*target) & kept_mask;
        *target = (bytes & !kept_mask | kept).to_le_bytes();
    }
}
