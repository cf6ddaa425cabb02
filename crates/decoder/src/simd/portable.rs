//! [`U8x32`] in plain Rust: defines what the instructions of the other modules compute,
//! and stands in for them on other processors.
#![allow(
    clippy::indexing_slicing,
    reason = "positions are below the length of the halves"
)]

use super::width::HALF;

/// False: without SIMD instructions, code that does not use [`U8x32`] is faster.
#[allow(
    dead_code,
    reason = "tests call the function of the processor's own module"
)]
pub(crate) const fn is_available() -> bool {
    false
}

/// 32 bytes in two halves, see [the module](super).
#[derive(Clone, Copy, Debug)]
pub(crate) struct U8x32([[u8; HALF]; 2]);

impl U8x32 {
    /// Combines the bytes of both.
    fn each(self, other: Self, combine: impl Fn(u8, u8) -> u8) -> Self {
        let half =
            |half: usize| std::array::from_fn(|at| combine(self.0[half][at], other.0[half][at]));
        Self([half(0), half(1)])
    }

    /// Takes bytes of both halves by their position in the half of `first` followed by that
    /// of `second`.
    fn pick(first: Self, second: Self, position: impl Fn(usize) -> usize) -> Self {
        let half = |half: usize| {
            let both = [first.0[half], second.0[half]];
            std::array::from_fn(|at| both.as_flattened()[position(at)])
        };
        Self([half(0), half(1)])
    }

    pub(crate) fn zero() -> Self {
        Self::splat(0)
    }

    pub(crate) fn splat(byte: u8) -> Self {
        Self([[byte; HALF]; 2])
    }

    pub(crate) fn load(halves: [&[u8; HALF]; 2]) -> Self {
        Self(halves.map(|half| *half))
    }

    pub(crate) fn halves(self) -> [[u8; HALF]; 2] {
        self.0
    }

    pub(crate) fn lower_halves(self, other: Self) -> Self {
        Self([self.0[0], other.0[0]])
    }

    pub(crate) fn add(self, other: Self) -> Self {
        self.each(other, u8::wrapping_add)
    }

    pub(crate) fn sub(self, other: Self) -> Self {
        self.each(other, u8::wrapping_sub)
    }

    pub(crate) fn min(self, other: Self) -> Self {
        self.each(other, u8::min)
    }

    pub(crate) fn max(self, other: Self) -> Self {
        self.each(other, u8::max)
    }

    pub(crate) fn average(self, other: Self) -> Self {
        self.each(other, u8::midpoint)
    }

    pub(crate) fn and(self, other: Self) -> Self {
        self.each(other, |a, b| a & b)
    }

    pub(crate) fn or(self, other: Self) -> Self {
        self.each(other, |a, b| a | b)
    }

    pub(crate) fn equal(self, other: Self) -> Self {
        self.each(other, |a, b| mask(a == b))
    }

    pub(crate) fn comparable(self) -> Self {
        self
    }

    pub(crate) fn is_less_than(self, other: Self) -> Self {
        self.each(other, |a, b| mask(a < b))
    }

    pub(crate) fn blend(self, mask: Self, other: Self) -> Self {
        let kept = self.each(mask, |a, mask| a & !mask);
        kept.or(other.and(mask))
    }

    pub(crate) fn shift_in<const BPP: usize>(self, previous: Self) -> Self {
        Self::pick(previous, self, |at| HALF - BPP + at)
    }

    pub(crate) fn shuffle(self, positions: &[u8; HALF]) -> Self {
        Self::pick(self, self, |at| usize::from(positions[at]))
    }

    pub(crate) fn interleave<const BPP: usize>(self, other: Self) -> [Self; 2] {
        [0, HALF / 2].map(|from| {
            Self::pick(self, other, |at| {
                let (pixel, byte) = (at / BPP, at % BPP);
                from + pixel / 2 * BPP + byte + pixel % 2 * HALF
            })
        })
    }

    pub(crate) fn optimisation_barrier(self) -> Self {
        self
    }
}

fn mask(condition: bool) -> u8 {
    if condition { 0xFF } else { 0 }
}

/// A sum of bytes in 64 bits.
#[derive(Clone, Copy)]
pub(crate) struct Sums(u64);

impl Sums {
    pub(crate) fn zero() -> Self {
        Self(0)
    }

    pub(crate) fn add(&mut self, bytes: U8x32) {
        let bytes = bytes.0.as_flattened();
        self.0 += bytes.iter().map(|byte| u64::from(*byte)).sum::<u64>();
    }

    pub(crate) fn add_squares(&mut self, registers: [U8x32; 4]) {
        let bytes = registers
            .iter()
            .flat_map(|register| register.0.as_flattened());
        self.0 += bytes.map(|byte| u64::from(*byte).pow(2)).sum::<u64>();
    }

    pub(crate) fn total(self) -> u64 {
        self.0
    }
}
