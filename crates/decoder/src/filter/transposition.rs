//! Transposes squares of pixels, a little in each step.
#![allow(
    clippy::indexing_slicing,
    reason = "stages and pairs are divided off a share number, and stay below the array lengths"
)]

use super::lanes::BLOCK;
use crate::simd::U8x32;

/// A square of pixels in each half of `ROWS` registers, 16 x 16 bytes or 8 x 8 words,
/// that is being transposed.
///
/// One *stage* interleaves register `i` with register `i + ROWS / 2`, for each `i` below
/// `ROWS / 2`, and puts the two results into registers `2i` and `2i + 1`. The binary
/// digits of (register, position) thereby rotate by one digit. After log2(`ROWS`) stages
/// register and position have changed places, and the square is transposed. For 4 x 4:
///
/// ```text
/// register 0   a0 a1 a2 a3        a0 c0 a1 c1        a0 b0 c0 d0
/// register 1   b0 b1 b2 b3  --->  a2 c2 a3 c3  --->  a1 b1 c1 d1
/// register 2   c0 c1 c2 c3        b0 d0 b1 d1        a2 b2 c2 d2
/// register 3   d0 d1 d2 d3        b2 d2 b3 d3        a3 b3 c3 d3
/// ```
///
/// The work comes in `2 * ROWS` *shares*, of which one interleaves one pair. 16 x 16 bytes
/// need 4 stages of 8 pairs, which are all 32 shares; 8 x 8 words need 3 stages of 4
/// pairs, which are 12 of 16 shares.
pub(super) struct Transposition<const BPP: usize, const ROWS: usize> {
    /// The input, and after it the output of each stage.
    stages: [[U8x32; ROWS]; BLOCK.ilog2() as usize + 1],
}

impl<const BPP: usize, const ROWS: usize> Transposition<BPP, ROWS> {
    const STAGES: usize = ROWS.ilog2() as usize;
    /// Pairs in one stage.
    const PAIRS: usize = ROWS / 2;
    /// Shares at the end of [`advance`](Self::advance) without work.
    const IDLE_SHARES: usize = 2 * ROWS - Self::STAGES * Self::PAIRS;

    #[cfg_attr(target_arch = "x86_64", target_feature(enable = "avx2"))]
    pub(super) fn new() -> Self {
        Self {
            stages: [[U8x32::zero(); ROWS]; BLOCK.ilog2() as usize + 1],
        }
    }

    /// The registers to be transposed.
    #[inline(always)]
    pub(super) fn input(&mut self) -> &mut [U8x32; ROWS] {
        &mut self.stages[0]
    }

    /// The transposed registers, once all shares are done.
    #[inline(always)]
    pub(super) fn output(&self) -> &[U8x32; ROWS] {
        &self.stages[Self::STAGES]
    }

    /// Does the work of one share, 0 to `2 * ROWS - 1`. The last shares have no work if
    /// fewer are needed.
    #[inline]
    #[cfg_attr(target_arch = "x86_64", target_feature(enable = "avx2"))]
    pub(super) fn advance(&mut self, share: usize) {
        let (stage, pair) = (share / Self::PAIRS, share % Self::PAIRS);
        if stage < Self::STAGES {
            let before = &self.stages[stage];
            let both = before[pair].interleave::<BPP>(before[pair + Self::PAIRS]);
            self.stages[stage + 1].as_chunks_mut().0[pair] = both;
        }
    }

    /// Does the work of one share like [`advance`](Self::advance), but as late as
    /// possible: the first shares have no work if fewer are needed.
    #[inline]
    #[cfg_attr(target_arch = "x86_64", target_feature(enable = "avx2"))]
    pub(super) fn advance_late(&mut self, share: usize) {
        if let Some(share) = share.checked_sub(Self::IDLE_SHARES) {
            self.advance(share);
        }
    }
}
