//! The overview of a plane: the same image in at most 64 x 64 pixels.
//!
//! With the factor f = ceil(max(height, width) / 64), an overview has ceil(height / f) rows
//! and ceil(width / f) columns. Each value is the mean of the f x f pixels that it stands for,
//! or of those that are there at the edges, rounded half up: `floor((2 sum + n) / (2 n))`.
//! All of it is computed with integers, so that all machines give the same values.
#![allow(
    clippy::indexing_slicing,
    reason = "boxes end at the width, of which there are as many sums"
)]

use crate::shape::{BitDepth, PlaneShape};

/// Most rows and columns of an overview.
pub const OVERVIEW_SIDE: u32 = 64;

/// Pixels along y and along x that become one pixel of the overview.
fn factor(shape: PlaneShape) -> usize {
    shape.height.max(shape.width).div_ceil(OVERVIEW_SIDE).max(1) as usize
}

/// Returns the shape of the overview of planes of `shape`. A plane of at most 64 x 64 pixels
/// is its own overview.
#[must_use]
pub fn overview_shape(shape: PlaneShape) -> PlaneShape {
    let factor = u32::try_from(factor(shape)).unwrap_or(u32::MAX);
    PlaneShape {
        height: shape.height.div_ceil(factor),
        width: shape.width.div_ceil(factor),
        depth: shape.depth,
    }
}

/// Working memory of [`overview_of`]: sums of the columns of a row of boxes. Make one for each
/// worker.
#[derive(Debug, Default)]
pub struct OverviewScratch {
    sums: LaneSums,
    columns: Vec<u64>,
}

/// Computes the overview of a plane of `shape`: row-major `(y, x)`, 16-bit samples
/// little-endian, as `plane` is. `overview` has the bytes of [`overview_shape`]; nothing is
/// written if it or `plane` has another length.
pub fn overview_of(
    plane: &[u8],
    shape: PlaneShape,
    overview: &mut [u8],
    scratch: &mut OverviewScratch,
) {
    if plane.len() != shape.byte_len() || overview.len() != overview_shape(shape).byte_len() {
        return;
    }
    let factor = factor(shape);
    if factor == 1 {
        overview.copy_from_slice(plane);
        return;
    }
    let width = shape.width as usize;
    if width == 0 {
        return;
    }
    let boxes = Boxes { width, factor };
    match shape.depth {
        BitDepth::Eight => boxes.average::<8>(plane, overview, scratch),
        BitDepth::Sixteen => boxes.average::<16>(plane, overview, scratch),
    }
}

/// How the rows of a plane are divided.
#[derive(Clone, Copy)]
struct Boxes {
    /// Samples of a row.
    width: usize,
    /// Samples of a box along x, and rows of it.
    factor: usize,
}

impl Boxes {
    /// Averages the boxes of samples of `BITS`, 8 or 16: first the rows of a row of boxes are
    /// added up, then the columns of each box.
    fn average<const BITS: usize>(
        self,
        plane: &[u8],
        overview: &mut [u8],
        scratch: &mut OverviewScratch,
    ) {
        let Self { width, factor } = self;
        let sample_bytes = BITS / 8;
        let row_bytes = width * sample_bytes;
        // A lane has twice the bits of a sample: so many samples fit.
        let has_lanes = factor <= (1 << BITS) + 1;
        let overview_rows = overview.chunks_exact_mut(width.div_ceil(factor) * sample_bytes);
        for (rows, overview) in plane.chunks(row_bytes * factor).zip(overview_rows) {
            let height = (rows.len() / row_bytes) as u64;
            let OverviewScratch { sums, columns } = scratch;
            if has_lanes {
                sums.add_rows::<BITS>(rows, width);
            }
            let words = factor / (64 / BITS);
            let is_in_words = factor.is_multiple_of(64 / BITS) && width.is_multiple_of(factor);
            if has_lanes && is_in_words {
                let count = height * factor as u64;
                sums.average_words::<BITS>(words, count, overview);
                continue;
            }
            if has_lanes {
                sums.unpack::<BITS>(columns);
            } else {
                add_rows::<BITS>(rows, width, columns);
            }
            let boxes = columns.chunks(factor);
            for (columns, pixel) in boxes.zip(overview.chunks_exact_mut(sample_bytes)) {
                let count = height * columns.len() as u64;
                let mean = rounded_mean(columns.iter().sum(), count);
                pixel.copy_from_slice(&mean.to_le_bytes()[..sample_bytes]);
            }
        }
    }
}

/// Sums of columns, several of them in a word: compilers make vectors of words.
///
/// A word of 8 bytes has 8 samples of 8 bits or 4 of 16 bits. Those at even places are added up
/// in one word, those at odd places in another one, each in a *lane* of twice its bits.
#[derive(Debug, Default)]
struct LaneSums {
    even: Vec<u64>,
    odd: Vec<u64>,
    /// Sums of the columns behind the last whole word.
    tail: Vec<u64>,
}

/// The lanes at even places of a word, of samples of `BITS`.
const fn even_lanes<const BITS: usize>() -> u64 {
    if BITS == 8 {
        0x00FF_00FF_00FF_00FF
    } else {
        0x0000_FFFF_0000_FFFF
    }
}

impl LaneSums {
    /// Replaces the sums with those of some rows.
    fn add_rows<const BITS: usize>(&mut self, rows: &[u8], width: usize) {
        let (words, mask) = (width / (64 / BITS), even_lanes::<BITS>());
        let Self { even, odd, tail } = self;
        for (sums, length) in [
            (&mut *even, words),
            (&mut *odd, words),
            (&mut *tail, width % (64 / BITS)),
        ] {
            sums.clear();
            sums.resize(length, 0);
        }
        for row in rows.chunks_exact(width * BITS / 8) {
            let (words, rest) = row.as_chunks::<8>();
            for ((even, odd), word) in even.iter_mut().zip(odd.iter_mut()).zip(words) {
                let word = u64::from_le_bytes(*word);
                *even += word & mask;
                *odd += word >> BITS & mask;
            }
            add_samples::<BITS>(rest, tail);
        }
    }

    /// Writes the sum of each column.
    fn unpack<const BITS: usize>(&self, columns: &mut Vec<u64>) {
        let lane = u64::MAX >> (64 - 2 * BITS);
        columns.clear();
        for (&even, &odd) in self.even.iter().zip(&self.odd) {
            for place in (0..64).step_by(2 * BITS) {
                columns.extend([even >> place & lane, odd >> place & lane]);
            }
        }
        columns.extend_from_slice(&self.tail);
    }

    /// Averages boxes of so many `words` and `count` samples, where there are no other columns.
    fn average_words<const BITS: usize>(&self, words: usize, count: u64, overview: &mut [u8]) {
        let boxes = self.even.chunks_exact(words);
        let boxes = boxes.zip(self.odd.chunks_exact(words));
        for ((even, odd), pixel) in boxes.zip(overview.chunks_exact_mut(BITS / 8)) {
            let mut lanes = [0; 2];
            for (&even, &odd) in even.iter().zip(odd) {
                lanes[0] += sum_of_lanes::<BITS>(even);
                lanes[1] += sum_of_lanes::<BITS>(odd);
            }
            let mean = rounded_mean(lanes[0] + lanes[1], count);
            pixel.copy_from_slice(&mean.to_le_bytes()[..BITS / 8]);
        }
    }
}

/// Returns the sum of the lanes of a word.
fn sum_of_lanes<const BITS: usize>(word: u64) -> u64 {
    let halves = |word: u64| (word & 0xFFFF_FFFF) + (word >> 32);
    if BITS == 8 {
        let mask = even_lanes::<16>();
        halves((word & mask) + (word >> 16 & mask))
    } else {
        halves(word)
    }
}

/// Adds samples to the sums of their columns.
fn add_samples<const BITS: usize>(samples: &[u8], columns: &mut [u64]) {
    for (column, sample) in columns.iter_mut().zip(samples.chunks_exact(BITS / 8)) {
        *column += sample
            .iter()
            .rev()
            .fold(0, |value, &byte| value << 8 | u64::from(byte));
    }
}

/// Replaces `columns` with the sums of some rows of more samples than a lane can hold: planes
/// of more than 16,000 pixels along an axis.
fn add_rows<const BITS: usize>(rows: &[u8], width: usize, columns: &mut Vec<u64>) {
    columns.clear();
    columns.resize(width, 0);
    for row in rows.chunks_exact(width * BITS / 8) {
        add_samples::<BITS>(row, columns);
    }
}

/// Returns the mean of `count` samples with that sum, rounded half up.
fn rounded_mean(sum: u64, count: u64) -> u64 {
    // A division takes as long as the sum of a box.
    if count.is_power_of_two() {
        (2 * sum + count) >> (count.trailing_zeros() + 1)
    } else {
        (2 * sum + count) / (2 * count)
    }
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    /// The definition, pixel by pixel.
    fn by_definition(plane: &[u16], height: usize, width: usize) -> (usize, usize, Vec<u16>) {
        let factor = height.max(width).div_ceil(64);
        let (rows, columns) = (height.div_ceil(factor), width.div_ceil(factor));
        let mut overview = Vec::new();
        for row in 0..rows {
            for column in 0..columns {
                let ys = row * factor..height.min((row + 1) * factor);
                let xs = column * factor..width.min((column + 1) * factor);
                let count = (ys.len() * xs.len()) as u64;
                let pixels = ys.flat_map(|y| xs.clone().map(move |x| (y, x)));
                let sum: u64 = pixels.map(|(y, x)| u64::from(plane[y * width + x])).sum();
                overview.push(u16::try_from((2 * sum + count) / (2 * count)).unwrap());
            }
        }
        (rows, columns, overview)
    }

    fn bytes_of(samples: &[u16], depth: BitDepth) -> Vec<u8> {
        let bytes = samples.iter().map(|sample| sample.to_le_bytes());
        bytes
            .flat_map(|bytes| bytes.into_iter().take(depth.bytes_per_sample()))
            .collect()
    }

    #[test]
    fn overviews_of_all_sizes_are_rounded_means() {
        let mut random = ChaCha8Rng::seed_from_u64(15);
        let mut scratch = OverviewScratch::default();
        let sides = [1, 2, 3, 63, 64, 65, 127, 128, 129, 200, 512, 513];
        for height in sides {
            for width in [1, 7, 64, 65, 129, 512, 700] {
                for depth in [BitDepth::Eight, BitDepth::Sixteen] {
                    let shape = PlaneShape {
                        height: height as u32,
                        width: width as u32,
                        depth,
                    };
                    let most = depth.max_value();
                    let least = if random.random_range(0..3) == 0 {
                        most
                    } else {
                        0
                    };
                    let plane: Vec<u16> = (0..height * width)
                        .map(|_| random.random_range(least..=most))
                        .collect();
                    let (rows, columns, expected) = by_definition(&plane, height, width);
                    let found = overview_shape(shape);
                    assert_eq!((found.height, found.width), (rows as u32, columns as u32));
                    let mut overview = vec![7; found.byte_len()];
                    overview_of(&bytes_of(&plane, depth), shape, &mut overview, &mut scratch);
                    assert_eq!(overview, bytes_of(&expected, depth), "{shape}");
                }
            }
        }
    }

    #[test]
    fn the_largest_sums_do_not_overflow() {
        let mut scratch = OverviewScratch::default();
        for (height, depth) in [
            (64 * 257, BitDepth::Eight),
            (64 * 258, BitDepth::Eight),
            (64 * 65_538, BitDepth::Sixteen),
        ] {
            let shape = PlaneShape {
                height,
                width: 2,
                depth,
            };
            let mut overview = vec![0; overview_shape(shape).byte_len()];
            overview_of(
                &vec![0xFF; shape.byte_len()],
                shape,
                &mut overview,
                &mut scratch,
            );
            assert!(overview.iter().all(|&byte| byte == 0xFF), "{shape}");
        }
    }

    #[test]
    fn half_is_rounded_up_and_nothing_is_written_to_another_length() {
        let mut scratch = OverviewScratch::default();
        let shape = PlaneShape {
            height: 2,
            width: 128,
            depth: BitDepth::Eight,
        };
        // The means are 0.25, 0.5 and 0.75.
        for (ones, mean) in [(1, 0), (2, 1), (3, 1)] {
            let mut plane = vec![0; 256];
            for at in [0, 1, 128].into_iter().take(ones) {
                plane[at] = 1;
            }
            let mut overview = vec![9; 64];
            overview_of(&plane, shape, &mut overview, &mut scratch);
            assert_eq!((overview[0], overview[1]), (mean, 0));
        }
        let mut short = vec![9; 63];
        overview_of(&[1; 256], shape, &mut short, &mut scratch);
        assert_eq!(short, [9; 63]);
    }
}
