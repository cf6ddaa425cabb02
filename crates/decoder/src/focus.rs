//! The focus of a plane: the variance of its Laplacian.
//!
//! The Laplacian of a pixel is the sum of its four neighbours minus four times the pixel,
//! the kernel `0 1 0 / 1 -4 1 / 0 1 0`, for pixels that have all four. Edges in focus make
//! its variance large, blur makes it small. Defined by Pech-Pacheco et al., [Diatom
//! autofocusing in brightfield microscopy: a comparative
//! study](https://doi.org/10.1109/ICPR.2000.903548), ICPR 2000.

#[cfg(target_arch = "x86_64")]
mod avx2;
mod portable;

use crate::shape::{BitDepth, PlaneShape};

/// Computes the variance (of the population) of the Laplacian over the `(H - 2) x (W - 2)`
/// pixels that have four neighbours, in squared units of the samples. Returns 0 if there is
/// no such pixel. Uses exact integer sums.
#[allow(
    clippy::indexing_slicing,
    reason = "the plane's length is that of its shape, and `sum` asks for pixels inside it"
)]
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
    // n² times the variance is a difference of integers, so it is exact.
    let scaled = n * squares - u128::from(sum.unsigned_abs()).pow(2);
    scaled as f64 / (n * n) as f64
}

fn fast_squares_of_bytes(plane: &[u8], width: usize) -> u128 {
    #[cfg(target_arch = "x86_64")]
    if let Some(squares) = avx2::squares_of_bytes(plane, width) {
        return squares;
    }
    portable::squares_of_bytes(plane, width)
}

fn fast_squares_of_words(samples: &[[u8; 2]], width: usize) -> u128 {
    #[cfg(target_arch = "x86_64")]
    if let Some(squares) = avx2::squares_of_words(samples, width) {
        return squares;
    }
    portable::squares_of_words(samples, width)
}

/// The sum of the Laplacian. In each row and in each column all pixels cancel out, except
/// two at either end, so only pixels at the border are read.
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

#[cfg(all(test, target_arch = "x86_64"))]
mod tests {
    use super::portable::{squares_of_bytes, squares_of_words};
    use super::*;

    #[test]
    fn sums_with_avx2_equal_those_without() {
        let noise = |at: u64| ((at * 2_654_435_761) >> 11) as u8;
        // The largest Laplacian of both signs.
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
