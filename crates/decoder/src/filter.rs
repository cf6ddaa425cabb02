//! Undoing the row filters.
//!
//! [PNG, 9](https://www.w3.org/TR/png-3/#9Filters)
#![allow(
    clippy::indexing_slicing,
    reason = "lengths are checked once, before the loops over rows; fuzzer and corruption tests agree"
)]

mod lanes;
mod schedule;
#[cfg(test)]
mod tests;
mod transposition;
mod wave;

use crate::error::Damage;
use crate::header::Header;
use crate::shape::BitDepth;

const SUB: u8 = 1;
const UP: u8 = 2;
const AVERAGE: u8 = 3;
const PAETH: u8 = 4;

/// Checks the filter byte of every row in every interlace pass.
pub(crate) fn check(filtered: &[u8], header: &Header) -> Result<(), Damage> {
    let mut rest = filtered;
    let mut row = 0;
    for (columns, rows) in header.passes() {
        let (pass, behind) = rest.split_at(rows as usize * stride(header, columns));
        for filtered_row in pass.chunks_exact(stride(header, columns)) {
            let filter = filtered_row[0];
            if filter > PAETH {
                return Err(Damage::Filter { row, filter });
            }
            row += 1;
        }
        rest = behind;
    }
    Ok(())
}

fn stride(header: &Header, columns: u32) -> usize {
    1 + header.row_bytes(columns) as usize
}

/// Undoes the filters of a grey image: `filtered` holds `row_bytes` plus the
/// filter byte, 0 to 4, for each row; `plane` takes `row_bytes` a row, 16-bit
/// samples little-endian.
///
/// Filters work on each byte of a pixel apart from the others, so it is all
/// the same whether bytes change places before or after.
pub(crate) fn unfilter(filtered: &[u8], row_bytes: usize, depth: BitDepth, plane: &mut [u8]) {
    if lanes::unfilter(filtered, row_bytes, depth, plane) {
        return;
    }
    match depth {
        BitDepth::Eight => unfilter_rows::<1>(filtered, row_bytes, plane),
        BitDepth::Sixteen => unfilter_rows::<2>(filtered, row_bytes, plane),
    }
}

/// Row by row, on any machine.
fn unfilter_rows<const BPP: usize>(filtered: &[u8], row_bytes: usize, plane: &mut [u8]) {
    let mut above: Option<&[u8]> = None;
    let rows = filtered
        .chunks_exact(1 + row_bytes)
        .zip(plane.chunks_exact_mut(row_bytes));
    for (source, target) in rows {
        let (filter, source) = (source[0], &source[1..]);
        match (filter, above) {
            // Above the first row lies zero, and Paeth of (left, 0, 0) is left.
            (SUB, _) | (PAETH, None) => sub::<BPP>(source, target),
            (UP, Some(above)) => up::<BPP>(source, above, target),
            (AVERAGE, None) => average_first::<BPP>(source, target),
            (AVERAGE, Some(above)) => average::<BPP>(source, above, target),
            (PAETH, Some(above)) => paeth::<BPP>(source, above, target),
            // No filter, or up of zero.
            _ => copy::<BPP>(source, target),
        }
        above = Some(target);
    }
}

fn copy<const BPP: usize>(source: &[u8], target: &mut [u8]) {
    for (source, target) in stored_pixels(source).zip(pixels_mut::<BPP>(target)) {
        *target = source;
    }
}

fn sub<const BPP: usize>(source: &[u8], target: &mut [u8]) {
    let mut left = [0; BPP];
    for (source, target) in stored_pixels::<BPP>(source).zip(pixels_mut::<BPP>(target)) {
        for byte in 0..BPP {
            left[byte] = source[byte].wrapping_add(left[byte]);
        }
        *target = left;
    }
}

fn up<const BPP: usize>(source: &[u8], above: &[u8], target: &mut [u8]) {
    let inputs = stored_pixels::<BPP>(source).zip(pixels::<BPP>(above));
    for ((source, above), target) in inputs.zip(pixels_mut::<BPP>(target)) {
        for byte in 0..BPP {
            target[byte] = source[byte].wrapping_add(above[byte]);
        }
    }
}

fn average_first<const BPP: usize>(source: &[u8], target: &mut [u8]) {
    let mut left = [0; BPP];
    for (source, target) in stored_pixels::<BPP>(source).zip(pixels_mut::<BPP>(target)) {
        for byte in 0..BPP {
            left[byte] = source[byte].wrapping_add(left[byte] >> 1);
        }
        *target = left;
    }
}

fn average<const BPP: usize>(source: &[u8], above: &[u8], target: &mut [u8]) {
    let mut left = [0; BPP];
    let inputs = stored_pixels::<BPP>(source).zip(pixels::<BPP>(above));
    for ((source, above), target) in inputs.zip(pixels_mut::<BPP>(target)) {
        for byte in 0..BPP {
            let mean = (u16::from(left[byte]) + u16::from(above[byte])) >> 1;
            left[byte] = source[byte].wrapping_add(mean as u8);
        }
        *target = left;
    }
}

fn paeth<const BPP: usize>(source: &[u8], above: &[u8], target: &mut [u8]) {
    let mut left = [0; BPP];
    let mut corner = [0; BPP];
    let inputs = stored_pixels::<BPP>(source).zip(pixels::<BPP>(above));
    for ((source, above), target) in inputs.zip(pixels_mut::<BPP>(target)) {
        for byte in 0..BPP {
            let predicted = predict(left[byte], above[byte], corner[byte]);
            left[byte] = source[byte].wrapping_add(predicted);
        }
        corner = *above;
        *target = left;
    }
}

/// The neighbour nearest to `left + above - corner`; ties go to left, then
/// above.
///
/// Outside the range of the other two, a corner makes that the one on its far
/// side; inside, the nearer end wins if it is less than half as far from the
/// corner as the other end. Written so, there are no signs and no sums, and
/// the chain from pixel to pixel is short.
#[inline(always)]
fn predict(left: u8, above: u8, corner: u8) -> u8 {
    let (low, high) = (left.min(above), left.max(above));
    let over = u16::from(high.saturating_sub(corner));
    let under = u16::from(corner.saturating_sub(low));
    let predicted = if 2 * over <= under { low } else { corner };
    if 2 * under <= over { high } else { predicted }
}

/// Pixels of the file, big-endian, turned into those of a plane.
fn stored_pixels<const BPP: usize>(bytes: &[u8]) -> impl Iterator<Item = [u8; BPP]> {
    pixels(bytes).map(|pixel| {
        let mut pixel = *pixel;
        pixel.reverse();
        pixel
    })
}

fn pixels<const BPP: usize>(bytes: &[u8]) -> impl Iterator<Item = &[u8; BPP]> {
    bytes.as_chunks().0.iter()
}

fn pixels_mut<const BPP: usize>(bytes: &mut [u8]) -> impl Iterator<Item = &mut [u8; BPP]> {
    bytes.as_chunks_mut().0.iter_mut()
}
