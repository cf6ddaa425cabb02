//! Sums of the Laplacian's squares in plain Rust.
#![allow(
    clippy::indexing_slicing,
    reason = "`windows` gives three whole rows, which are at least three pixels wide"
)]

/// Most pixels whose squares are summed in 32 bits. The Laplacian of bytes is between
/// -4 x 255 and 4 x 255.
pub(super) const MAX_ADDENDS: usize = 2048;
const _: () = assert!(MAX_ADDENDS as u64 * 1020 * 1020 <= i32::MAX as u64);

/// For each row, the pixels that have four neighbours, with their neighbours: above, left,
/// the pixels, right, below.
#[inline(always)]
pub(super) fn inner_rows<T>(samples: &[T], width: usize) -> impl Iterator<Item = [&[T]; 5]> {
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

/// Sums the squares of the Laplacian of 8-bit samples: the Laplacian in 16 bits, its squares
/// in 32 bits.
#[inline(always)]
pub(super) fn squares_of_bytes(plane: &[u8], width: usize) -> u128 {
    let mut total: u64 = 0;
    for rows in inner_rows(plane, width) {
        let parts = rows.map(|row| row.chunks(MAX_ADDENDS));
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

/// Sums the squares of the Laplacian of 16-bit samples. The sum of a row of 32,768 pixels,
/// the default limit, is less than 2⁵².
#[inline(always)]
pub(super) fn squares_of_words(samples: &[[u8; 2]], width: usize) -> u128 {
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
