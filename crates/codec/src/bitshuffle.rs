//! [Bitshuffle]: sorts the bits of many samples by their weight, so that bits
//! which seldom differ lie together.
//!
//! ```text
//! samples of B bytes     8 x B planes of samples / 8 bytes each
//! s0 s1 s2 … ──────────> bit 0 of byte 0 of s0 s1 s2 …, eight to a byte, s0 lowest
//!                        bit 1 of byte 0 …
//!                        …
//!                        bit 7 of byte B - 1
//! ```
//!
//! The layout is that of C-Blosc: the planes run through the whole block, and a
//! block whose number of samples is no multiple of eight stays as it is.
//! Bitshuffle's own format differs in both.
//!
//! [Bitshuffle]: https://github.com/kiyo-masui/bitshuffle

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(test)]
mod tests;
mod tiles;
mod unshuffle;
#[cfg(target_arch = "x86_64")]
mod unshuffle_avx2;
#[cfg(all(target_arch = "aarch64", target_feature = "neon"))]
mod unshuffle_neon;

pub use self::unshuffle::bitunshuffle;
use crate::simd::SimdLevel;

/// Sorts the bits of `block`, samples of `sample_bytes` bytes each (1 or 2), into
/// `shuffled`, which is as long.
pub fn bitshuffle(block: &[u8], sample_bytes: usize, shuffled: &mut [u8], level: SimdLevel) {
    match sample_bytes {
        1 => shuffle_block::<1>(block, shuffled, level),
        2 => shuffle_block::<2>(block, shuffled, level),
        // No array has such samples; a block that is not shuffled would be read wrongly.
        _ => debug_assert!(false, "samples of {sample_bytes} bytes"),
    }
}

fn shuffle_block<const BYTES: usize>(block: &[u8], shuffled: &mut [u8], level: SimdLevel) {
    let (samples, rest) = block.as_chunks::<BYTES>();
    if !samples.len().is_multiple_of(8) {
        shuffled.copy_from_slice(block);
        return;
    }
    let (planes, behind) = shuffled.split_at_mut(block.len() - rest.len());
    behind.copy_from_slice(rest);
    #[cfg(target_arch = "x86_64")]
    if level >= SimdLevel::Avx512 && avx512::shuffle(samples, planes)
        || level >= SimdLevel::Avx2 && avx2::shuffle(samples, planes)
    {
        return;
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = level;
    tiles::shuffle(samples, planes, tiles::transpose);
}
