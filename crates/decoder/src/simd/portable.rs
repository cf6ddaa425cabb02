//! The same in plain Rust: what the instructions mean, and what there is on
//! machines that are not known here.
#![allow(
    clippy::indexing_slicing,
    reason = "places are within halves, which are all of one length"
)]

use super::HALF;

/// Plain rows are faster without instructions.
#[allow(dead_code, reason = "in tests the one of the machine is asked")]
pub(crate) const fn has_registers() -> bool {
    false
}

/// See [the module](super).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Register([[u8; HALF]; 2]);

impl Register {
    fn each(self, other: Self, combine: impl Fn(u8, u8) -> u8) -> Self {
        let half = |half: usize| {
            std::array::from_fn(|place| combine(self.0[half][place], other.0[half][place]))
        };
        Self([half(0), half(1)])
    }

    /// Bytes of each half by their place in `first` and then `second`.
    fn pick(first: Self, second: Self, place: impl Fn(usize) -> usize) -> Self {
        let half = |half: usize| {
            let both = [first.0[half], second.0[half]];
            std::array::from_fn(|at| both.as_flattened()[place(at)])
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

    pub(crate) fn is_below(self, other: Self) -> Self {
        self.each(other, |a, b| mask(a < b))
    }

    pub(crate) fn or_where(self, mask: Self, other: Self) -> Self {
        let kept = self.each(mask, |a, mask| a & !mask);
        kept.or(other.and(mask))
    }

    pub(crate) fn behind<const BPP: usize>(self, before: Self) -> Self {
        Self::pick(before, self, |at| HALF - BPP + at)
    }

    pub(crate) fn at(self, places: &[u8; HALF]) -> Self {
        Self::pick(self, self, |at| usize::from(places[at]))
    }

    pub(crate) fn interleave<const BPP: usize>(self, other: Self) -> [Self; 2] {
        [0, HALF / 2].map(|from| {
            Self::pick(self, other, |at| {
                let (pixel, byte) = (at / BPP, at % BPP);
                from + pixel / 2 * BPP + byte + pixel % 2 * HALF
            })
        })
    }

    pub(crate) fn computed(self) -> Self {
        self
    }
}

fn mask(is: bool) -> u8 {
    if is { 0xFF } else { 0 }
}

/// A sum of 64 bits.
#[derive(Clone, Copy)]
pub(crate) struct Sums(u64);

impl Sums {
    pub(crate) fn zero() -> Self {
        Self(0)
    }

    pub(crate) fn add(&mut self, bytes: Register) {
        let bytes = bytes.0.as_flattened();
        self.0 += bytes.iter().map(|byte| u64::from(*byte)).sum::<u64>();
    }

    pub(crate) fn add_squares(&mut self, registers: [Register; 4]) {
        let bytes = registers
            .iter()
            .flat_map(|register| register.0.as_flattened());
        self.0 += bytes.map(|byte| u64::from(*byte).pow(2)).sum::<u64>();
    }

    pub(crate) fn total(self) -> u64 {
        self.0
    }
}
