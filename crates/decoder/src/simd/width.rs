//! Lengths of the registers.

/// Bytes of half a [`U8x32`](super::U8x32).
pub(crate) const HALF: usize = 16;
/// Bytes of a [`U8x32`](super::U8x32).
pub(crate) const WHOLE: usize = 2 * HALF;
