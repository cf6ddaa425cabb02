//! The way into registers and out of them: all unsafe code of the filters.
//!
//! Which bytes are read and written, and what happens to them in registers, is
//! decided in [`super::wave`], in safe code.
#![allow(unsafe_code, reason = "unchecked places; each block has its proof")]

use super::wave::unfilter_waves;
use crate::shape::BitDepth;
use crate::simd::{HALF, Register, has_registers};

/// Bytes of one wave, and of one row in one block.
pub(super) const BLOCK: usize = HALF;

/// A block of one wave at the picture's edges, copied row by row.
pub(super) type Tile<const ROWS: usize> = [[u8; BLOCK]; ROWS];

/// Undoes the filters of all rows, as [`super::unfilter_rows`] does; filter
/// bytes are 0 to 4. False, and nothing done, where the machine has no registers.
pub(super) fn unfilter(
    filtered: &[u8],
    row_bytes: usize,
    depth: BitDepth,
    plane: &mut [u8],
) -> bool {
    if !has_registers() {
        return false;
    }
    // SAFETY: the machine has registers, which is all that the callees ask for.
    #[allow(unused_unsafe, reason = "only x86-64 knows machines without")]
    unsafe {
        match depth {
            BitDepth::Eight => unfilter_waves::<1, 16>(filtered, row_bytes, plane),
            BitDepth::Sixteen => unfilter_waves::<2, 8>(filtered, row_bytes, plane),
        }
    }
    true
}

/// Bytes from the first of the first lane to the last of the last.
const fn extent(rows: usize, stride: usize) -> usize {
    (rows - 1).saturating_mul(stride).saturating_add(BLOCK)
}

/// Sixteen bytes for each row of a wave, `stride` bytes from row to row.
pub(super) struct Lanes<'a, const ROWS: usize> {
    /// [`extent`] at least.
    bytes: &'a [u8],
    stride: usize,
}

impl<'a, const ROWS: usize> Lanes<'a, ROWS> {
    #[inline(always)]
    pub(super) fn new(bytes: &'a [u8], stride: usize) -> Option<Self> {
        (bytes.len() >= extent(ROWS, stride)).then_some(Self { bytes, stride })
    }

    pub(super) fn tile(tile: &'a Tile<ROWS>) -> Self {
        Self {
            bytes: tile.as_flattened(),
            stride: BLOCK,
        }
    }

    /// Sixteen bytes of row `lane`.
    ///
    /// Panics if `lane` is not less than `ROWS`. The compiler proves that the
    /// loops below never do so, and leaves the check out.
    #[inline(always)]
    fn lane(&self, lane: usize) -> &[u8; BLOCK] {
        assert!(lane < ROWS);
        // SAFETY: `lane <= ROWS - 1`, so `lane * stride + BLOCK <= extent(ROWS, stride)`,
        // and every constructor has checked that `bytes` has at least that length.
        // A byte array needs no alignment, and the result borrows `self`.
        unsafe { &*self.bytes.as_ptr().add(lane * self.stride).cast() }
    }
}

/// [`Lanes`] to write to.
pub(super) struct LanesMut<'a, const ROWS: usize> {
    /// [`extent`] at least.
    bytes: &'a mut [u8],
    stride: usize,
}

impl<'a, const ROWS: usize> LanesMut<'a, ROWS> {
    #[inline(always)]
    pub(super) fn new(bytes: &'a mut [u8], stride: usize) -> Option<Self> {
        (bytes.len() >= extent(ROWS, stride)).then_some(Self { bytes, stride })
    }

    pub(super) fn tile(tile: &'a mut Tile<ROWS>) -> Self {
        Self {
            bytes: tile.as_flattened_mut(),
            stride: BLOCK,
        }
    }

    /// Sixteen bytes of row `lane`.
    ///
    /// Panics if `lane` is not less than `ROWS`. The compiler proves that the
    /// loops below never do so, and leaves the check out.
    #[inline(always)]
    fn lane(&mut self, lane: usize) -> &mut [u8; BLOCK] {
        assert!(lane < ROWS);
        // SAFETY: `lane <= ROWS - 1`, so `lane * stride + BLOCK <= extent(ROWS, stride)`,
        // and every constructor has checked that `bytes` has at least that length.
        // A byte array needs no alignment, and the result borrows `self` mutably.
        unsafe { &mut *self.bytes.as_mut_ptr().add(lane * self.stride).cast() }
    }
}

/// A lane of each wave to a register, the leading wave's in the lower half.
#[inline]
#[cfg_attr(target_arch = "x86_64", target_feature(enable = "avx2"))]
pub(super) fn load_lanes<const ROWS: usize>(
    [leading, trailing]: [Lanes<'_, ROWS>; 2],
    registers: &mut [Register; ROWS],
) {
    for (lane, register) in registers.iter_mut().enumerate() {
        *register = Register::load([leading.lane(lane), trailing.lane(lane)]);
    }
}

/// Writes one half of each register.
#[inline]
#[cfg_attr(target_arch = "x86_64", target_feature(enable = "avx2"))]
pub(super) fn store_lanes<const ROWS: usize, const UPPER: bool>(
    registers: &[Register; ROWS],
    mut target: LanesMut<'_, ROWS>,
) {
    for (lane, register) in registers.iter().enumerate() {
        let [lower, upper] = register.halves();
        *target.lane(lane) = if UPPER { upper } else { lower };
    }
}

/// The same, but of each lane no more bytes than `inside` says: what lies behind
/// them stays as it is.
#[inline]
#[cfg_attr(target_arch = "x86_64", target_feature(enable = "avx2"))]
pub(super) fn store_beginnings<const ROWS: usize, const UPPER: bool>(
    registers: &[Register; ROWS],
    mut target: LanesMut<'_, ROWS>,
    inside: impl Fn(usize) -> isize,
) {
    for (lane, register) in registers.iter().enumerate() {
        let [lower, upper] = register.halves();
        let bytes = u128::from_le_bytes(if UPPER { upper } else { lower });
        let bits = 8 * inside(lane).clamp(0, BLOCK as isize) as u32;
        let behind = u128::MAX.checked_shl(bits).unwrap_or(0);
        let target = target.lane(lane);
        let kept = u128::from_le_bytes(*target) & behind;
        *target = (bytes & !behind | kept).to_le_bytes();
    }
}
