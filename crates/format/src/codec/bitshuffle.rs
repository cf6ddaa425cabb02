//! [Bitshuffle]: the bits of many samples sorted by their weight, so that those
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
//! As in C-Blosc, and unlike in Bitshuffle's own format, the planes run through
//! the whole block, and a block whose samples are no multiple of eight is left
//! as it is.
//!
//! [Bitshuffle]: https://github.com/kiyo-masui/bitshuffle
#![allow(
    clippy::indexing_slicing,
    reason = "the loops run over blocks whose lengths are computed beside them"
)]

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(test)]
mod tests;
mod unshuffle;

pub(super) use self::unshuffle::bitunshuffle;

/// Samples that are sorted at a time: each plane gets eight bytes of them.
const TILE: usize = 64;

/// Tiles whose share of a plane is written at a time, a line of the cache. The
/// planes lie apart by powers of two, so that their lines compete for the same
/// places in the cache: each is needed but once.
const LINE: usize = 8;

/// Sorts the bits of `block`, samples of `sample_bytes` bytes each (1 or 2), into
/// `shuffled`, which is as long.
pub(super) fn bitshuffle(block: &[u8], sample_bytes: usize, shuffled: &mut [u8]) {
    match sample_bytes {
        1 => bitshuffle_fastest::<1>(block, shuffled),
        2 => bitshuffle_fastest::<2>(block, shuffled),
        // No array has such samples; a block that is not shuffled would be read wrongly.
        _ => debug_assert!(false, "samples of {sample_bytes} bytes"),
    }
}

fn bitshuffle_fastest<const BYTES: usize>(block: &[u8], shuffled: &mut [u8]) {
    let (samples, rest) = block.as_chunks::<BYTES>();
    if !samples.len().is_multiple_of(8) {
        shuffled.copy_from_slice(block);
        return;
    }
    let (planes, behind) = shuffled.split_at_mut(block.len() - rest.len());
    behind.copy_from_slice(rest);
    #[cfg(target_arch = "x86_64")]
    if avx512::shuffle(samples, planes) || avx2::shuffle(samples, planes) {
        return;
    }
    shuffle(samples, planes, transpose);
}

/// The loop around `transpose`, which it is compiled together with: AVX2 or
/// AVX-512 serves the whole of it.
#[inline(always)]
fn shuffle<const BYTES: usize>(
    samples: &[[u8; BYTES]],
    planes: &mut [u8],
    transpose: impl Fn(&[u8; TILE]) -> [u64; 8],
) {
    let plane_bytes = samples.len() / 8;
    if plane_bytes == 0 {
        return;
    }
    for (byte, planes) in planes.chunks_exact_mut(8 * plane_bytes).enumerate() {
        let (lines, rest) = samples.as_chunks::<{ TILE * LINE }>();
        let mut words = [[[0; 8]; LINE]; 8];
        for (at, line) in lines.iter().enumerate() {
            for (place, tile) in line.as_chunks::<TILE>().0.iter().enumerate() {
                let tile = transpose(&tile.map(|sample| sample[byte]));
                for (words, word) in words.iter_mut().zip(tile) {
                    words[place] = word.to_le_bytes();
                }
            }
            for (plane, words) in planes.chunks_exact_mut(plane_bytes).zip(&words) {
                if let Some(target) = plane.as_chunks_mut::<{ 8 * LINE }>().0.get_mut(at) {
                    target.copy_from_slice(words.as_flattened());
                }
            }
        }
        let done = lines.len() * LINE;
        let (tiles, rest) = rest.as_chunks::<TILE>();
        for (at, tile) in (done..).zip(tiles) {
            let words = transpose(&tile.map(|sample| sample[byte]));
            for (plane, word) in planes.chunks_exact_mut(plane_bytes).zip(words) {
                if let Some(target) = plane.as_chunks_mut().0.get_mut(at) {
                    *target = word.to_le_bytes();
                }
            }
        }
        let mut tile = [0; TILE];
        for (target, sample) in tile.iter_mut().zip(rest) {
            *target = sample[byte];
        }
        let words = transpose(&tile);
        for (plane, word) in planes.chunks_exact_mut(plane_bytes).zip(words) {
            let target = plane.as_chunks_mut::<8>().1;
            let word = word.to_le_bytes();
            target.copy_from_slice(&word[..target.len()]);
        }
    }
}

/// Bit k of 64 bytes, for each k: the first byte's lowest.
///
/// First the bits change places within each word of eight bytes, then the bytes
/// among eight words, both as a square does: its halves swap their corners, then
/// its quarters, then its eighths.
#[inline(always)]
fn transpose(tile: &[u8; TILE]) -> [u64; 8] {
    let mut words = [0; 8];
    for (word, eight) in words.iter_mut().zip(tile.as_chunks().0) {
        let mut bits = u64::from_le_bytes(*eight);
        for (distance, corner) in [
            (7, 0x00AA_00AA_00AA_00AA),
            (14, 0x0000_CCCC_0000_CCCC),
            (28, 0x0000_0000_F0F0_F0F0),
        ] {
            let differ = (bits ^ (bits >> distance)) & corner;
            bits ^= differ ^ (differ << distance);
        }
        *word = bits;
    }
    for (step, corner) in [
        (1, 0x00FF_00FF_00FF_00FF_u64),
        (2, 0x0000_FFFF_0000_FFFF),
        (4, 0x0000_0000_FFFF_FFFF),
    ] {
        for upper in (0..8).filter(|row| row & step == 0) {
            let lower = upper + step;
            let differ = ((words[upper] >> (8 * step)) ^ words[lower]) & corner;
            words[lower] ^= differ;
            words[upper] ^= differ << (8 * step);
        }
    }
    words
}
