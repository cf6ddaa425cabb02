//! The way into AVX2 and out of it: all unsafe code of the filters.
//!
//! Which bytes are read and written, and what happens to them in registers, is
//! decided in [`super::wave`], in safe code.
#![allow(unsafe_code, reason = "AVX2 intrinsics; each block has its proof")]

use std::arch::asm;
use std::arch::x86_64::{
    __m256i, _mm_loadu_si128, _mm_storeu_si128, _mm256_castsi256_si128, _mm256_extracti128_si256,
    _mm256_set_m128i, _mm256_setzero_si256,
};

use super::wave::unfilter_groups;
use crate::histogram::ByteTally;

/// Bytes of one wave, and of one row in one block.
pub(super) const BLOCK: usize = 16;

/// A block of one wave at the picture's edges, copied row by row.
pub(super) type Tile<const ROWS: usize> = [[u8; BLOCK]; ROWS];

/// Undoes the filters of all rows, as [`super::unfilter_rows`] does; filter
/// bytes are 0 to 4. Returns how many bytes of the plane it has counted on the
/// way; `None`, and nothing done, where the machine has no AVX2.
pub(super) fn unfilter<const BPP: usize>(
    filtered: &[u8],
    row_bytes: usize,
    plane: &mut [u8],
    tally: Option<&mut ByteTally>,
) -> Option<usize> {
    if !is_x86_feature_detected!("avx2") {
        return None;
    }
    // SAFETY: the machine has AVX2, which is all that the callees ask for.
    unsafe {
        match BPP {
            1 => Some(unfilter_groups::<1, 16>(filtered, row_bytes, plane, tally)),
            2 => Some(unfilter_groups::<2, 8>(filtered, row_bytes, plane, tally)),
            _ => None,
        }
    }
}

/// The same register, which the compiler must have computed as it is written: it
/// knows shorter ways, but those that everything waits for are longer.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn computed(mut register: __m256i) -> __m256i {
    // SAFETY: no instruction, that is.
    unsafe {
        asm!("/* {} */", inout(ymm_reg) register, options(pure, nomem, nostack, preserves_flags));
    }
    register
}

/// A register of two halves, the lower first.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn load([lower, upper]: [&[u8; BLOCK]; 2]) -> __m256i {
    // SAFETY: both references are to 16 readable bytes, and the instruction
    // asks for no alignment.
    unsafe {
        _mm256_set_m128i(
            _mm_loadu_si128(upper.as_ptr().cast()),
            _mm_loadu_si128(lower.as_ptr().cast()),
        )
    }
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
}

#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn load_lanes<const ROWS: usize>(
    [lower, upper]: [Lanes<'_, ROWS>; 2],
) -> [__m256i; ROWS] {
    let mut lanes = [_mm256_setzero_si256(); ROWS];
    for (lane, register) in lanes.iter_mut().enumerate() {
        // SAFETY: `lane` is ROWS - 1 at most, so both reads end within the
        // extent that `Lanes` has; the instruction asks for no alignment.
        *register = unsafe {
            _mm256_set_m128i(
                _mm_loadu_si128(upper.bytes.as_ptr().add(lane * upper.stride).cast()),
                _mm_loadu_si128(lower.bytes.as_ptr().add(lane * lower.stride).cast()),
            )
        };
    }
    lanes
}

/// Writes the lower or the upper half of each register.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn store_lanes<const ROWS: usize, const UPPER: bool>(
    registers: &[__m256i; ROWS],
    target: LanesMut<'_, ROWS>,
) {
    for (lane, register) in registers.iter().enumerate() {
        let half = if UPPER {
            _mm256_extracti128_si256::<1>(*register)
        } else {
            _mm256_castsi256_si128(*register)
        };
        // SAFETY: `lane` is ROWS - 1 at most, so the write ends within the
        // extent that `LanesMut` has; the instruction asks for no alignment.
        unsafe {
            _mm_storeu_si128(
                target.bytes.as_mut_ptr().add(lane * target.stride).cast(),
                half,
            )
        }
    }
}
