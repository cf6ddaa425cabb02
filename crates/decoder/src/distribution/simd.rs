//! The distribution of 8-bit samples without a histogram, which costs two loads
//! and a store for each pixel: by counting.
//!
//! The sample at a rank is the largest value below which there are no more pixels
//! than the rank. How many pixels are below a threshold, a register counts for
//! all its bytes at once; and a few pixels, looked at first, tell which thresholds
//! are worth it. What they say is a guess, but the counts are of all pixels: they
//! narrow the brackets around each rank until one value is left. Real planes need
//! two or three passes with eight thresholds.
#![allow(unsafe_code, reason = "calls that ask for registers, with their proof")]
#![allow(
    clippy::indexing_slicing,
    reason = "indices are bytes, thresholds that are no bytes have a place of their own"
)]

use std::ops::Range;

use crate::distribution::{Distribution, Ranks};
use crate::simd::{HALF, Register, Sums, WHOLE, has_registers};

/// Thresholds of one pass: their counts and what is compared fit the registers.
const THRESHOLDS: usize = 8;

/// After as many passes a histogram would have been faster.
const PASSES: usize = 5;

/// A plane so small is counted in no time.
const PIXELS_AT_LEAST: usize = 1 << 12;

/// Registers whose bytes are counted in bytes.
const AT_ONCE: usize = u8::MAX as usize;

/// The distribution of an 8-bit plane; `None` where a histogram is faster, or the
/// machine has no registers.
pub(crate) fn distribution(plane: &[u8], ranks: &Ranks) -> Option<Distribution> {
    if !has_registers() || plane.len() < PIXELS_AT_LEAST {
        return None;
    }
    // SAFETY: the machine has registers, which is all that the callee asks for.
    #[allow(unused_unsafe, reason = "only x86-64 knows machines without")]
    unsafe {
        measure(plane, ranks)
    }
}

#[cfg_attr(target_arch = "x86_64", target_feature(enable = "avx2"))]
fn measure(plane: &[u8], ranks: &Ranks) -> Option<Distribution> {
    let moments = Moments::of(plane);
    let guess = Guess::of(plane);
    let values = u16::from(moments.min)..u16::from(moments.max) + 1;
    let mut brackets = ranks.map(|pair| {
        pair.map(|rank| Bracket {
            rank,
            values: values.clone(),
            ranks: 0..plane.len() as u64,
        })
    });
    let brackets = brackets.as_flattened_mut();
    for _ in 0..PASSES {
        let Some(thresholds) = thresholds(brackets, &guess) else {
            break;
        };
        let counts = count_below(plane, &thresholds);
        for bracket in &mut *brackets {
            for (threshold, below) in thresholds.into_iter().zip(counts) {
                bracket.narrow(threshold.into(), below);
            }
        }
    }
    if !brackets.iter().all(Bracket::is_closed) {
        return None;
    }
    let mut values = brackets.iter().map(|bracket| bracket.values.start);
    let mut next = |_| values.next().unwrap_or_default();
    Some(Distribution {
        sum: moments.sum.into(),
        sum_of_squares: moments.squares.into(),
        min: moments.min.into(),
        max: moments.max.into(),
        saturated: match moments.max {
            u8::MAX => plane.len() as u64 - count_below(plane, &[u8::MAX])[0],
            _ => 0,
        },
        at_ranks: ranks.map(|pair| pair.map(&mut next)),
    })
}

/// What is known of the sample at a rank.
struct Bracket {
    rank: u64,
    /// Where its value lies.
    values: Range<u16>,
    /// How many pixels are below either end: the rank lies between.
    ranks: Range<u64>,
}

impl Bracket {
    fn is_closed(&self) -> bool {
        self.values.len() == 1
    }

    fn narrow(&mut self, threshold: u16, below: u64) {
        let Range { start, end } = self.values;
        if !(start + 1..end).contains(&threshold) {
        } else if below <= self.rank {
            (self.values.start, self.ranks.start) = (threshold, below);
        } else {
            (self.values.end, self.ranks.end) = (threshold, below);
        }
    }

    /// At most `count` thresholds that narrow it.
    fn thresholds(&self, count: usize, guess: &Guess) -> impl Iterator<Item = u8> {
        let Range { start, end } = self.values;
        let mut likely = start + 1..end;
        if likely.len() > count {
            let guessed = guess.values(self);
            likely = guessed.start.max(start + 1)..guessed.end.min(end - 1) + 1;
        }
        let of = likely.len();
        let count = count.min(of);
        let place = move |nth: usize| (2 * nth + 1) * of / (2 * count);
        // Thresholds lie between values of bytes.
        (0..count).map(move |nth| (usize::from(likely.start) + place(nth)) as u8)
    }
}

/// The thresholds of the next pass; `None` where all brackets are closed.
fn thresholds(brackets: &[Bracket], guess: &Guess) -> Option<[u8; THRESHOLDS]> {
    let open = |at: &usize| {
        let bracket = &brackets[*at];
        // What is learnt of a rank serves its neighbour.
        let is_covered = at.checked_sub(1).is_some_and(|before| {
            let before = &brackets[before];
            before.values == bracket.values && before.rank.abs_diff(bracket.rank) <= 1
        });
        !bracket.is_closed() && !is_covered
    };
    let targets = || (0..brackets.len()).filter(open);
    let mut left = targets().count();
    let mut chosen = [0; THRESHOLDS];
    let mut length = 0;
    for at in targets() {
        let share = (THRESHOLDS - length) / left;
        for threshold in brackets[at].thresholds(share, guess) {
            chosen[length] = threshold;
            length += 1;
        }
        left -= 1;
    }
    let last = *chosen[..length].last()?;
    chosen[length..].fill(last);
    Some(chosen)
}

/// How pixels are distributed that were looked at first: one in sixteen.
struct Guess {
    /// How many are below each value, or below none.
    below: [u32; (1 << 8) + 1],
}

impl Guess {
    fn of(plane: &[u8]) -> Self {
        const LINE: usize = 64;
        // Not one above the other, whatever the width.
        const PLACES: [usize; 4] = [0, 17, 34, 51];
        let mut tables = [[0_u32; 1 << 8]; PLACES.len()];
        for line in plane.as_chunks::<LINE>().0 {
            for (table, place) in tables.iter_mut().zip(PLACES) {
                table[usize::from(line[place])] += 1;
            }
        }
        let mut below = [0; (1 << 8) + 1];
        for value in 0..1 << 8 {
            let count: u32 = tables.iter().map(|table| table[value]).sum();
            below[value + 1] = below[value] + count;
        }
        Self { below }
    }

    /// Where the value that a bracket is around probably lies: within one standard
    /// deviation of its rank among the pixels that are known.
    fn values(&self, bracket: &Bracket) -> Range<u16> {
        let Range { start, end } = bracket.values;
        let [from, to] = [start, end].map(|value| f64::from(self.below[usize::from(value)]));
        let known = to - from;
        let ranks = bracket.ranks.end - bracket.ranks.start;
        let share = (bracket.rank - bracket.ranks.start) as f64 / ranks as f64;
        let middle = from + known * share;
        let deviation = (known * share * (1.0 - share)).sqrt() + 0.5;
        let value = |rank: f64| {
            let behind = self
                .below
                .partition_point(|below| f64::from(*below) <= rank);
            (behind.saturating_sub(1) as u16).clamp(start, end - 1)
        };
        value(middle - deviation)..value(middle + deviation) + 1
    }
}

/// What registers are loaded from, and what is left over.
fn halves(plane: &[u8]) -> (&[[[u8; HALF]; 2]], &[u8]) {
    let (whole, _) = plane.as_chunks().0.as_chunks();
    (whole, &plane[whole.len() * WHOLE..])
}

/// How many pixels are below each threshold.
#[cfg_attr(target_arch = "x86_64", target_feature(enable = "avx2"))]
fn count_below<const N: usize>(plane: &[u8], thresholds: &[u8; N]) -> [u64; N] {
    let (whole, rest) = halves(plane);
    let mut limits = [Register::zero(); N];
    for (limit, threshold) in limits.iter_mut().zip(thresholds) {
        *limit = Register::splat(*threshold).comparable();
    }
    let mut totals = [Sums::zero(); N];
    for part in whole.chunks(AT_ONCE) {
        let mut counts = [Register::zero(); N];
        for bytes in part {
            let pixels = Register::load(bytes.each_ref()).comparable();
            for (count, limit) in counts.iter_mut().zip(limits) {
                // All ones are less than zero by one.
                *count = count.sub(pixels.is_below(limit));
            }
        }
        for (total, count) in totals.iter_mut().zip(counts) {
            total.add(count);
        }
    }
    let mut below = [0; N];
    for ((below, total), threshold) in below.iter_mut().zip(totals).zip(thresholds) {
        let left_over = rest.iter().filter(|pixel| *pixel < threshold).count();
        *below = total.total() + left_over as u64;
    }
    below
}

/// Sums and extremes.
struct Moments {
    sum: u64,
    squares: u64,
    min: u8,
    max: u8,
}

impl Moments {
    #[cfg_attr(target_arch = "x86_64", target_feature(enable = "avx2"))]
    fn of(plane: &[u8]) -> Self {
        let (mut sum, mut squares) = (Sums::zero(), Sums::zero());
        let (mut darkest, mut brightest) = (Register::splat(u8::MAX), Register::zero());
        let (whole, _) = halves(plane);
        let (fours, _) = whole.as_chunks::<4>();
        for four in fours {
            let mut registers = [Register::zero(); 4];
            for (register, bytes) in registers.iter_mut().zip(four) {
                *register = Register::load(bytes.each_ref());
                sum.add(*register);
                darkest = darkest.min(*register);
                brightest = brightest.max(*register);
            }
            squares.add_squares(registers);
        }
        let rest = &plane[fours.len() * 4 * WHOLE..];
        let (darkest, brightest) = (darkest.halves(), brightest.halves());
        Self {
            sum: sum.total() + rest.iter().map(|pixel| u64::from(*pixel)).sum::<u64>(),
            squares: squares.total()
                + rest
                    .iter()
                    .map(|pixel| u64::from(*pixel).pow(2))
                    .sum::<u64>(),
            min: darkest
                .as_flattened()
                .iter()
                .chain(rest)
                .copied()
                .min()
                .unwrap_or_default(),
            max: brightest
                .as_flattened()
                .iter()
                .chain(rest)
                .copied()
                .max()
                .unwrap_or_default(),
        }
    }
}
