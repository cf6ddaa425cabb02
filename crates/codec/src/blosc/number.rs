//! The numbers of Blosc frames: `u32`, little-endian. A chunk is at most as long as an
//! `i32` counts, so that every length and position fits.
#![allow(
    clippy::indexing_slicing,
    reason = "callers give positions of numbers that they have written"
)]

/// Bytes of a number.
pub(super) const NUMBER_BYTES: usize = 4;

/// Writes `number` at position `at`.
pub(super) fn write_number(frame: &mut [u8], at: usize, number: usize) {
    frame[at..at + NUMBER_BYTES].copy_from_slice(&(number as u32).to_le_bytes());
}
