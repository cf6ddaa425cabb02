//! The overview of a plane: the same image in at most 64 x 64 pixels.
//!
//! With the factor f = ceil(max(height, width) / 64), an overview has ceil(height / f) rows
//! and ceil(width / f) columns. Each value is the mean of the f x f pixels that it stands for,
//! or of those that are there at the edges, rounded half up: `floor((2 sum + n) / (2 n))`.
//! All of it is computed with integers, so that all machines give the same values.
#![allow(
    clippy::indexing_slicing,
    reason = "chunks of f samples are as many as an overview has columns"
)]

use std::ops::AddAssign;

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
    narrow: Vec<u16>,
    usual: Vec<u32>,
    wide: Vec<u64>,
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
    let samples = plane.as_chunks::<2>().0;
    // The narrowest numbers that hold the sum of a column of a box.
    match shape.depth {
        BitDepth::Eight if factor <= 257 => {
            let columns = &mut scratch.narrow;
            average(plane, width, factor, columns, |&v| v.into(), overview);
        }
        BitDepth::Eight => {
            let columns = &mut scratch.wide;
            average(plane, width, factor, columns, |&v| v.into(), overview);
        }
        BitDepth::Sixteen if factor <= 65_537 => {
            let value = |&sample: &[u8; 2]| u16::from_le_bytes(sample).into();
            average(samples, width, factor, &mut scratch.usual, value, overview);
        }
        BitDepth::Sixteen => {
            let value = |&sample: &[u8; 2]| u16::from_le_bytes(sample).into();
            average(samples, width, factor, &mut scratch.wide, value, overview);
        }
    }
}

/// Averages the boxes of `samples`, which have rows of `width`. First the rows of a row of
/// boxes are added up, which compilers make fast, then the columns of each box.
fn average<S, C>(
    samples: &[S],
    width: usize,
    factor: usize,
    columns: &mut Vec<C>,
    value: impl Fn(&S) -> C,
    overview: &mut [u8],
) where
    C: Copy + Default + AddAssign + Into<u64>,
{
    if width == 0 {
        return;
    }
    let sample_bytes = size_of::<S>();
    let row_bytes = width.div_ceil(factor) * sample_bytes;
    let rows_of_boxes = samples.chunks(width * factor);
    for (rows, overview) in rows_of_boxes.zip(overview.chunks_exact_mut(row_bytes)) {
        columns.clear();
        columns.resize(width, C::default());
        for row in rows.chunks_exact(width) {
            for (column, sample) in columns.iter_mut().zip(row) {
                *column += value(sample);
            }
        }
        let height = (rows.len() / width) as u64;
        let boxes = columns.chunks(factor);
        for (columns, pixel) in boxes.zip(overview.chunks_exact_mut(sample_bytes)) {
            let sum: u64 = columns.iter().map(|&column| column.into()).sum();
            let mean = rounded_mean(sum, height * columns.len() as u64);
            pixel.copy_from_slice(&mean.to_le_bytes()[..sample_bytes]);
        }
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
