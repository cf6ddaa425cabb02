//! Undoes the filters row by row, in safe code, on any machine.
#![allow(
    clippy::indexing_slicing,
    reason = "rows have a filter byte and more, and bytes of a pixel are indexed below `BPP`"
)]

use super::filter_type::{AVERAGE, PAETH, SUB, UP};

/// Undoes the filters of all rows, whose filter bytes are 0 to 4. `BPP` is the number of
/// bytes a pixel has.
pub(super) fn unfilter_rows<const BPP: usize>(filtered: &[u8], row_bytes: usize, plane: &mut [u8]) {
    let mut above: Option<&[u8]> = None;
    let rows = filtered
        .chunks_exact(1 + row_bytes)
        .zip(plane.chunks_exact_mut(row_bytes));
    for (source, target) in rows {
        let (filter, source) = (source[0], &source[1..]);
        match (filter, above) {
            // The row above the first is zero, and the Paeth predictor of (left, 0, 0)
            // is left.
            (SUB, _) | (PAETH, None) => sub::<BPP>(source, target),
            (UP, Some(above)) => up::<BPP>(source, above, target),
            (AVERAGE, None) => average_first::<BPP>(source, target),
            (AVERAGE, Some(above)) => average::<BPP>(source, above, target),
            (PAETH, Some(above)) => paeth::<BPP>(source, above, target),
            // No filter, or Up with a row of zeros above.
            _ => copy::<BPP>(source, target),
        }
        above = Some(target);
    }
}

/// Filter None.
fn copy<const BPP: usize>(source: &[u8], target: &mut [u8]) {
    for (source, target) in stored_pixels(source).zip(pixels_mut::<BPP>(target)) {
        *target = source;
    }
}

/// Filter Sub.
fn sub<const BPP: usize>(source: &[u8], target: &mut [u8]) {
    let mut left = [0; BPP];
    for (source, target) in stored_pixels::<BPP>(source).zip(pixels_mut::<BPP>(target)) {
        for byte in 0..BPP {
            left[byte] = source[byte].wrapping_add(left[byte]);
        }
        *target = left;
    }
}

/// Filter Up.
fn up<const BPP: usize>(source: &[u8], above: &[u8], target: &mut [u8]) {
    let inputs = stored_pixels::<BPP>(source).zip(pixels::<BPP>(above));
    for ((source, above), target) in inputs.zip(pixels_mut::<BPP>(target)) {
        for byte in 0..BPP {
            target[byte] = source[byte].wrapping_add(above[byte]);
        }
    }
}

/// Filter Average in the first row, whose row above is zero.
fn average_first<const BPP: usize>(source: &[u8], target: &mut [u8]) {
    let mut left = [0; BPP];
    for (source, target) in stored_pixels::<BPP>(source).zip(pixels_mut::<BPP>(target)) {
        for byte in 0..BPP {
            left[byte] = source[byte].wrapping_add(left[byte] >> 1);
        }
        *target = left;
    }
}

/// Filter Average.
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

/// Filter Paeth.
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

/// The Paeth predictor: the neighbour nearest to `left + above - corner`; ties go to
/// left, then to above.
///
/// If the corner is outside the range of the other two, the predictor is the end of the
/// range on the far side. If the corner is inside and at most half as far from one end
/// as from the other, the predictor is that other end; otherwise it is the corner. This
/// form needs no signs and no sums, and few instructions from one pixel to the next.
#[inline(always)]
pub(super) fn predict(left: u8, above: u8, corner: u8) -> u8 {
    let (low, high) = (left.min(above), left.max(above));
    let over = u16::from(high.saturating_sub(corner));
    let under = u16::from(corner.saturating_sub(low));
    let predicted = if 2 * over <= under { low } else { corner };
    if 2 * under <= over { high } else { predicted }
}

/// Pixels as the file stores them, big-endian, converted to little-endian.
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
