//! Squares of pixels, transposed step by step.

use super::lanes::BLOCK;
use crate::simd::Register;

/// The square of pixels in each half, 16 × 16 bytes or 8 × 8 words, on its way to
/// being transposed.
///
/// Interleaving register i with register i + ROWS / 2 turns the bits of
/// (register, position) round by one; after as many turns as a register's
/// number has bits, the two have changed places.
pub(super) struct Transposition<const BPP: usize, const ROWS: usize> {
    /// After each turn; before the first at the beginning.
    turns: [[Register; ROWS]; BLOCK.ilog2() as usize + 1],
}

impl<const BPP: usize, const ROWS: usize> Transposition<BPP, ROWS> {
    const TURNS: usize = ROWS.ilog2() as usize;

    #[cfg_attr(target_arch = "x86_64", target_feature(enable = "avx2"))]
    pub(super) fn new() -> Self {
        Self {
            turns: [[Register::zero(); ROWS]; BLOCK.ilog2() as usize + 1],
        }
    }

    /// What is turned.
    #[inline(always)]
    pub(super) fn first(&mut self) -> &mut [Register; ROWS] {
        &mut self.turns[0]
    }

    /// What has been turned.
    #[inline(always)]
    pub(super) fn last(&self) -> &[Register; ROWS] {
        &self.turns[Self::TURNS]
    }

    /// Does one of 2 × `ROWS` shares of the work, the first ones of which take the
    /// registers in pairs from the front; there may be nothing left for the last.
    #[inline]
    #[cfg_attr(target_arch = "x86_64", target_feature(enable = "avx2"))]
    pub(super) fn advance(&mut self, share: usize) {
        let (turn, pair) = (share / (ROWS / 2), share % (ROWS / 2));
        if turn < Self::TURNS {
            let before = &self.turns[turn];
            let both = before[pair].interleave::<BPP>(before[pair + ROWS / 2]);
            self.turns[turn + 1].as_chunks_mut().0[pair] = both;
        }
    }

    /// The same, where there may be nothing to do for the first.
    #[inline]
    #[cfg_attr(target_arch = "x86_64", target_feature(enable = "avx2"))]
    pub(super) fn advance_late(&mut self, share: usize) {
        if let Some(share) = (share + Self::TURNS * (ROWS / 2)).checked_sub(2 * ROWS) {
            self.advance(share);
        }
    }
}
