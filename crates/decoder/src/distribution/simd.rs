//! The distribution of 8-bit samples by counting pixels below thresholds. A histogram
//! costs two loads and a store for each pixel; this counts 32 pixels at a time.
//!
//! The sample at a rank is the largest value below which there are at most as many pixels
//! as the rank says. SIMD instructions count the pixels below 8 thresholds in one pass over
//! the plane. One pixel in 16 is read first, to guess which thresholds are useful. The
//! counts themselves are of all pixels, so they are exact: they narrow a bracket around
//! each rank until one value is left. Real planes need two or three passes.
#![allow(
    clippy::indexing_slicing,
    reason = "tables have an entry for each byte and one more, and `thresholds` gives at most `THRESHOLDS` values"
)]

use std::ops::Range;

use super::values::{Distribution, Ranks};
use crate::simd::{HALF, Sums, U8x32, WHOLE, is_available};

/// Thresholds of one pass. The processor has registers for as many counts.
const THRESHOLDS: usize = 8;

/// Most passes. After more a histogram would have been faster.
const PASSES: usize = 5;

/// Smallest plane. For smaller ones a histogram is fast enough.
const MIN_PIXELS: usize = 1 << 12;

/// Most registers that are counted in bytes before a count may overflow.
const MAX_ADDENDS: usize = u8::MAX as usize;

/// Finds the distribution of an 8-bit plane. `None` if a histogram is faster, or the
/// processor has no SIMD instructions for it.
pub(crate) fn distribution(plane: &[u8], ranks: &Ranks) -> Option<Distribution> {
    if !is_available() || plane.len() < MIN_PIXELS {
        return None;
    }
    // SAFETY: the callee needs the instructions that `is_available` has found, and
    // nothing else.
    #[allow(
        unsafe_code,
        unused_unsafe,
        reason = "a call that needs AVX2 on x86-64; on other machines it needs nothing"
    )]
    unsafe {
        measure(plane, ranks)
    }
}

#[cfg_attr(target_arch = "x86_64", target_feature(enable = "avx2"))]
fn measure(plane: &[u8], ranks: &Ranks) -> Option<Distribution> {
    let moments = Moments::of(plane);
    let guess = Guess::of(plane);
    let values = u16::from(moments.min)..u16::from(moments.max) + 1;
    let mut pairs = ranks.map(|pair| {
        pair.map(|rank| Bracket {
            rank,
            values: values.clone(),
            ranks: 0..plane.len() as u64,
        })
    });
    let brackets = pairs.as_flattened_mut();
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
    Some(Distribution {
        sum: moments.sum.into(),
        sum_of_squares: moments.squares.into(),
        min: moments.min.into(),
        max: moments.max.into(),
        saturated: match moments.max {
            u8::MAX => plane.len() as u64 - count_below(plane, &[u8::MAX])[0],
            _ => 0,
        },
        at_ranks: pairs.map(|pair| pair.map(|bracket| bracket.values.start)),
    })
}

/// The values that the sample at a rank may still have.
struct Bracket {
    rank: u64,
    /// The possible values.
    values: Range<u16>,
    /// Number of pixels below `values.start` and below `values.end`. The rank is inside.
    ranks: Range<u64>,
}

impl Bracket {
    /// Whether one value is left.
    fn is_closed(&self) -> bool {
        self.values.len() == 1
    }

    /// Uses a count: `below` pixels are less than `threshold`.
    ///
    /// ```text
    /// values      start ........ threshold ........ end
    /// ranks       start .......... below .......... end
    ///             rank < below   |   rank >= below
    ///             keeps the left |   keeps the right
    /// ```
    ///
    /// A threshold at an end of the values or outside tells nothing new.
    fn narrow(&mut self, threshold: u16, below: u64) {
        let is_inside = self.values.start < threshold && threshold < self.values.end;
        if !is_inside {
            return;
        }
        if self.rank < below {
            (self.values.end, self.ranks.end) = (threshold, below);
        } else {
            (self.values.start, self.ranks.start) = (threshold, below);
        }
    }

    /// Chooses at most `count` thresholds that narrow the bracket, evenly spaced over the
    /// values that the guess expects.
    fn thresholds(&self, count: usize, guess: &Guess) -> impl Iterator<Item = u8> {
        let Range { start, end } = self.values;
        let mut expected = start + 1..end;
        if expected.len() > count {
            let guessed = guess.values(self);
            expected = guessed.start.max(start + 1)..guessed.end.min(end - 1) + 1;
        }
        let width = expected.len();
        let count = count.min(width);
        let offset = move |nth: usize| (2 * nth + 1) * width / (2 * count);
        // A threshold is greater than `start` and less than `end`, so it fits a byte.
        (0..count).map(move |nth| (usize::from(expected.start) + offset(nth)) as u8)
    }
}

/// Chooses the thresholds of the next pass. `None` if all brackets are closed.
fn thresholds(brackets: &[Bracket], guess: &Guess) -> Option<[u8; THRESHOLDS]> {
    let open = |at: &usize| {
        let bracket = &brackets[*at];
        // The counts for one rank narrow the bracket of the next rank too.
        let is_covered = at.checked_sub(1).is_some_and(|previous| {
            let previous = &brackets[previous];
            previous.values == bracket.values && previous.rank.abs_diff(bracket.rank) <= 1
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

/// The distribution of one pixel in 16, from which thresholds are guessed.
struct Guess {
    /// Number of those pixels below each value from 0 to 256.
    below: [u32; (1 << 8) + 1],
}

impl Guess {
    fn of(plane: &[u8]) -> Self {
        const LINE: usize = 64;
        // 17 apart, so that the pixels do not line up in columns of the image.
        const OFFSETS: [usize; 4] = [0, 17, 34, 51];
        let mut tables = [[0_u32; 1 << 8]; OFFSETS.len()];
        for line in plane.as_chunks::<LINE>().0 {
            for (table, offset) in tables.iter_mut().zip(OFFSETS) {
                table[usize::from(line[offset])] += 1;
            }
        }
        let mut below = [0; (1 << 8) + 1];
        for value in 0..1 << 8 {
            let count: u32 = tables.iter().map(|table| table[value]).sum();
            below[value + 1] = below[value] + count;
        }
        Self { below }
    }

    /// The values between which the sample at a bracket's rank probably is: those within
    /// one standard deviation of its rank among the pixels that were read.
    fn values(&self, bracket: &Bracket) -> Range<u16> {
        let Range { start, end } = bracket.values;
        let [from, to] = [start, end].map(|value| f64::from(self.below[usize::from(value)]));
        let known = to - from;
        let ranks = bracket.ranks.end - bracket.ranks.start;
        let share = (bracket.rank - bracket.ranks.start) as f64 / ranks as f64;
        let middle = from + known * share;
        let deviation = (known * share * (1.0 - share)).sqrt() + 0.5;
        let value = |rank: f64| {
            let above = self
                .below
                .partition_point(|below| f64::from(*below) <= rank);
            (above.saturating_sub(1) as u16).clamp(start, end - 1)
        };
        value(middle - deviation)..value(middle + deviation) + 1
    }
}

/// Splits a plane into the halves of registers. Leaves fewer than 32 bytes over.
fn halves(plane: &[u8]) -> (&[[[u8; HALF]; 2]], &[u8]) {
    let (whole, _) = plane.as_chunks().0.as_chunks();
    (whole, &plane[whole.len() * WHOLE..])
}

/// Counts the pixels below each threshold.
#[cfg_attr(target_arch = "x86_64", target_feature(enable = "avx2"))]
fn count_below<const N: usize>(plane: &[u8], thresholds: &[u8; N]) -> [u64; N] {
    let (whole, rest) = halves(plane);
    let mut limits = [U8x32::zero(); N];
    for (limit, threshold) in limits.iter_mut().zip(thresholds) {
        *limit = U8x32::splat(*threshold).comparable();
    }
    let mut totals = [Sums::zero(); N];
    for part in whole.chunks(MAX_ADDENDS) {
        let mut counts = [U8x32::zero(); N];
        for bytes in part {
            let pixels = U8x32::load(bytes.each_ref()).comparable();
            for (count, limit) in counts.iter_mut().zip(limits) {
                // The mask 0xFF is -1 modulo 256.
                *count = count.sub(pixels.is_less_than(limit));
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

/// Sums and extremes of a plane's samples.
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
        let (mut darkest, mut brightest) = (U8x32::splat(u8::MAX), U8x32::zero());
        let (whole, _) = halves(plane);
        let (fours, _) = whole.as_chunks::<4>();
        for four in fours {
            let mut registers = [U8x32::zero(); 4];
            for (register, bytes) in registers.iter_mut().zip(four) {
                *register = U8x32::load(bytes.each_ref());
                sum.add(*register);
                darkest = darkest.min(*register);
                brightest = brightest.max(*register);
            }
            squares.add_squares(registers);
        }
        let rest = &plane[fours.len() * 4 * WHOLE..];
        let [darkest, brightest] = [darkest.halves(), brightest.halves()];
        let darkest = darkest.as_flattened().iter();
        let brightest = brightest.as_flattened().iter();
        Self {
            sum: sum.total() + rest.iter().map(|pixel| u64::from(*pixel)).sum::<u64>(),
            squares: squares.total()
                + rest
                    .iter()
                    .map(|pixel| u64::from(*pixel).pow(2))
                    .sum::<u64>(),
            min: darkest
                .chain(rest)
                .fold(u8::MAX, |min, pixel| min.min(*pixel)),
            max: brightest.chain(rest).fold(0, |max, pixel| max.max(*pixel)),
        }
    }
}
