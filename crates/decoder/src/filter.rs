//! Undoes the row filters of PNG.
//!
//! [PNG, 9](https://www.w3.org/TR/png-3/#9Filters)
//!
//! ```text
//! filter.rs ──> rows            one row at a time, safe code, any machine
//!      └──────> wave            32 rows at a time, with SIMD
//!                ├─> schedule       where both waves are in each round
//!                ├─> transposition  rows <-> columns of pixels
//!                └─> lanes          loads and stores, the unsafe code
//! ```

mod filter_type;
mod lanes;
mod rows;
mod schedule;
#[cfg(test)]
mod tests;
mod transposition;
mod wave;

use crate::error::Damage;
use crate::header::Header;
use crate::shape::BitDepth;
use crate::simd;
use filter_type::PAETH;
use rows::unfilter_rows;
use wave::unfilter_waves;

/// Checks the filter byte of every row in every interlace pass.
pub(crate) fn check(filtered: &[u8], header: &Header) -> Result<(), Damage> {
    let mut rest = filtered;
    let mut row = 0;
    for (columns, rows) in header.passes() {
        let (pass, later_passes) = rest.split_at(rows as usize * stride(header, columns));
        for filtered_row in pass.chunks_exact(stride(header, columns)) {
            if let Some(&filter) = filtered_row.first()
                && filter > PAETH
            {
                return Err(Damage::Filter { row, filter });
            }
            row += 1;
        }
        rest = later_passes;
    }
    Ok(())
}

/// Bytes of a row of `columns` pixels with its filter byte.
fn stride(header: &Header, columns: u32) -> usize {
    1 + header.row_bytes(columns) as usize
}

/// Undoes the filters of a grey image.
///
/// `filtered` holds one filter byte, 0 to 4, and `row_bytes` bytes for each row.
/// `plane` takes `row_bytes` bytes a row, 16-bit samples little-endian.
///
/// A filter treats the high and the low bytes of 16-bit samples separately, so
/// the byte order may change before or after it is undone.
pub(crate) fn unfilter(filtered: &[u8], row_bytes: usize, depth: BitDepth, plane: &mut [u8]) {
    if unfilter_with_simd(filtered, row_bytes, depth, plane) {
        return;
    }
    match depth {
        BitDepth::Eight => unfilter_rows::<1>(filtered, row_bytes, plane),
        BitDepth::Sixteen => unfilter_rows::<2>(filtered, row_bytes, plane),
    }
}

/// Undoes the filters like [`unfilter_rows`], 32 rows at a time. Returns false,
/// and leaves `plane` as it is, if the machine has no SIMD instructions for it.
fn unfilter_with_simd(
    filtered: &[u8],
    row_bytes: usize,
    depth: BitDepth,
    plane: &mut [u8],
) -> bool {
    if !simd::is_available() {
        return false;
    }
    // SAFETY: the callees need the instructions that `simd::is_available` has
    // found, and nothing else.
    #[allow(
        unsafe_code,
        unused_unsafe,
        reason = "a call that needs AVX2 on x86-64; on other machines it needs nothing"
    )]
    unsafe {
        match depth {
            BitDepth::Eight => unfilter_waves::<1, 16>(filtered, row_bytes, plane),
            BitDepth::Sixteen => unfilter_waves::<2, 8>(filtered, row_bytes, plane),
        }
    }
    true
}
