//! How sharp a plane is: the variance of its Laplacian.
//!
//! The Laplacian of a pixel is the sum of its four neighbours less four times
//! itself, the kernel `0 1 0 / 1 -4 1 / 0 1 0`, taken wherever all four are
//! there. Edges in focus make it large, blur makes it small. Pech-Pacheco et
//! al., [Diatom autofocusing in brightfield microscopy: a comparative
//! study](https://doi.org/10.1109/ICPR.2000.903548), ICPR 2000.
#![allow(
    clippy::indexing_slicing,
    reason = "lengths are checked once, before the loops over rows; fuzzer and corruption tests agree"
)]

#[cfg(target_arch = "x86_64")]
mod avx2;

use crate::shape::{BitDepth, PlaneShape};

/// Pixels whose squares are summed in 32 bits before they go to a wider sum:
/// the Laplacian of bytes is at most 4 × 255 either way.
const AT_ONCE: usize = 2048;
const _: () = assert!(AT_ONCE as u64 * 1020 * 1020 <= i32::MAX as u64);

/// Variance (of the population) of the Laplacian over the `(H − 2) × (W − 2)`
/// pixels that have four neighbours, in squared units of the samples; 0 where
/// there is no such pixel. From exact integer sums.
pub(crate) fn focus(plane: &[u8], shape: PlaneShape) -> f64 {
    let (height, width) = (shape.height as usize, shape.width as usize);
    if height < 3 || width < 3 || plane.len() != shape.byte_len() {
        return 0.0;
    }
    let (sum, squares) = match shape.depth {
        BitDepth::Eight => (
            sum(height, width, |y, x| plane[y * width + x].into()),
            fast_squares_of_bytes(plane, width),
        ),
        BitDepth::Sixteen => {
            let samples = plane.as_chunks().0;
            let sample = |y, x| u16::from_le_bytes(samples[y * width + x]).into();
            (
                sum(height, width, sample),
                fast_squares_of_words(samples, width),
            )
        }
    };
    let n = (height as u128 - 2) * (width as u128 - 2);
    // n² × variance is a difference of integers: nothing cancels.
    let scaled = n * squares - u128::from(sum.unsigned_abs()).pow(2);
    scaled as f64 / (n * n) as f64
}

fn fast_squares_of_bytes(plane: &[u8], width: usize) -> u128 {
    #[cfg(target_arch = "x86_64")]
    if let Some(squares) = avx2::squares_of_bytes(plane, width) {
        return squares;
    }
    squares_of_bytes(plane, width)
}

fn fast_squares_of_words(samples: &[[u8; 2]], width: usize) -> u128 {
    #[cfg(target_arch = "x86_64")]
    if let Some(squares) = avx2::squares_of_words(samples, width) {
        return squares;
    }
    squares_of_words(samples, width)
}

/// The sum of the Laplacian. Along a row or a column all but the two pixels at
/// either end cancel out, so that only the border need be looked at.
fn sum(height: usize, width: usize, sample: impl Fn(usize, usize) -> i64) -> i64 {
    let ends = |[first, second, last_but_one, last]: [i64; 4]| first - second - last_but_one + last;
    let columns = (1..width - 1)
        .map(|x| ends([0, 1, height - 2, height - 1].map(|y| sample(y, x))))
        .sum::<i64>();
    let rows = (1..height - 1)
        .map(|y| ends([0, 1, width - 2, width - 1].map(|x| sample(y, x))))
        .sum::<i64>();
    columns + rows
}

/// Each row with those above and below: the pixels that have four neighbours,
/// with the row that is shifted left and the one that is shifted right.
#[inline(always)]
fn inner_rows<T>(samples: &[T], width: usize) -> impl Iterator<Item = [&[T]; 5]> {
    let rows = samples.windows(3 * width).step_by(width);
    rows.map(move |rows| {
        let [above, row, below] = [0, 1, 2].map(|row| &rows[row * width..(row + 1) * width]);
        let inner = 1..width - 1;
        [
            &above[inner.clone()],
            &row[..width - 2],
            &row[inner.clone()],
            &row[2..],
            &below[inner],
        ]
    })
}

/// The Laplacian in 16 bits, its squares summed in 32.
#[inline(always)]
fn squares_of_bytes(plane: &[u8], width: usize) -> u128 {
    let mut total: u64 = 0;
    for rows in inner_rows(plane, width) {
        let parts = rows.map(|row| row.chunks(AT_ONCE));
        let [above, left, here, right, below] = parts;
        let parts = above.zip(left).zip(here).zip(right).zip(below);
        for ((((above, left), here), right), below) in parts {
            let mut squares: i32 = 0;
            let pixels = above.iter().zip(left).zip(here).zip(right).zip(below);
            for ((((above, left), here), right), below) in pixels {
                let [above, left, here, right, below] =
                    [above, left, here, right, below].map(|&sample| i16::from(sample));
                let laplacian = above + left + right + below - 4 * here;
                squares += i32::from(laplacian) * i32::from(laplacian);
            }
            total += u64::from(squares.unsigned_abs());
        }
    }
    total.into()
}

/// A row of 32,768 pixels, the most by default, sums up to less than 2⁵².
#[inline(always)]
fn squares_of_words(samples: &[[u8; 2]], width: usize) -> u128 {
    let mut total: u128 = 0;
    for rows in inner_rows(samples, width) {
        let [above, left, here, right, below] = rows;
        let mut squares: u64 = 0;
        let pixels = above.iter().zip(left).zip(here).zip(right).zip(below);
        for ((((above, left), here), right), below) in pixels {
            let [above, left, here, right, below] =
                [above, left, here, right, below].map(|&s| i64::from(u16::from_le_bytes(s)));
            let laplacian = above + left + right + below - 4 * here;
            squares += (laplacian * laplacian).unsigned_abs();
        }
        total += u128::from(squares);
    }
    total
}

#[cfg(all(test, target_arch = "x86_64"))]
mod tests {
    use super::*;

    #[test]
    fn with_and_without_avx2_the_sums_are_the_same() {
        let noise = |at: u64| ((at * 2_654_435_761) >> 11) as u8;
        // The largest Laplacian there is, of either sign.
        let extremes = |at: u64| if at.is_multiple_of(2) { 0 } else { 0xFF };
        for width in [3, 4, 17, 33, 34, 35, 64, 65, 66, 67, 2050, 2051, 4099] {
            for content in [noise, extremes] {
                let plane: Vec<u8> = (0..width as u64 * 2 * 7).map(content).collect();
                let bytes = &plane[..width * 7];
                let words = plane.as_chunks().0;
                if let Some(fast) = avx2::squares_of_bytes(bytes, width) {
                    assert_eq!(fast, squares_of_bytes(bytes, width), "{width}");
                }
                if let Some(fast) = avx2::squares_of_words(words, width) {
                    assert_eq!(fast, squares_of_words(words, width), "{width}");
                }
            }
        }
    }
}
