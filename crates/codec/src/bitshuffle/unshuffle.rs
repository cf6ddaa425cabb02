//! The inverse of bitshuffle: planes of bits become samples again.
//!
//! All forms do the same: they take eight planes of bits, transpose their bytes, so that
//! the eight bytes of the same eight samples form a word, and transpose the bits of each
//! word.
#![allow(
    clippy::indexing_slicing,
    reason = "the lengths of all blocks are computed in this file"
)]

use super::tiles::{Planes, transpose_bits};
#[cfg(target_arch = "x86_64")]
use super::unshuffle_avx2;
#[cfg(all(target_arch = "aarch64", target_feature = "neon"))]
use super::unshuffle_neon;
use crate::simd::SimdLevel;

/// Samples that are put together at a time, from eight bytes of each plane.
const TILE: usize = 64;

/// Undoes the bitshuffle of a block: `shuffled` holds planes of bits, `block`
/// receives samples of `sample_bytes` bytes, 1 or 2. Both have the same length.
///
/// A block whose samples are not a multiple of eight was not shuffled.
pub fn bitunshuffle(shuffled: &[u8], sample_bytes: usize, block: &mut [u8], level: SimdLevel) {
    let samples = shuffled.len() / sample_bytes.max(1);
    if !samples.is_multiple_of(8) {
        block.copy_from_slice(shuffled);
        return;
    }
    match sample_bytes {
        1 => unshuffle::<1>(shuffled, block, level),
        2 => unshuffle::<2>(shuffled, block, level),
        // No array has such samples.
        _ => block.copy_from_slice(shuffled),
    }
}

fn unshuffle<const BYTES: usize>(shuffled: &[u8], block: &mut [u8], level: SimdLevel) {
    let samples = block.len() / BYTES;
    let (block, rest) = block.split_at_mut(samples * BYTES);
    let (planes, behind) = shuffled.split_at(samples * BYTES);
    rest.copy_from_slice(behind);
    let plane_bytes = samples / 8;
    if plane_bytes == 0 {
        return;
    }
    let planes: [Planes<'_>; BYTES] = std::array::from_fn(|byte| {
        std::array::from_fn(|bit| &planes[(8 * byte + bit) * plane_bytes..][..plane_bytes])
    });
    let done = by_registers(&planes, block, level);
    let (samples, _) = block.as_chunks_mut::<BYTES>();
    for (byte, planes) in planes.iter().enumerate() {
        portable(planes, done, byte, &mut samples[8 * done..]);
    }
}

/// Puts together as many samples as fill whole registers, and returns the number of bytes
/// of each plane that it took: none where the processor has no such registers.
fn by_registers<const BYTES: usize>(
    planes: &[Planes<'_>; BYTES],
    block: &mut [u8],
    level: SimdLevel,
) -> usize {
    #[cfg(target_arch = "x86_64")]
    {
        let done = if level >= SimdLevel::Gfni {
            unshuffle_avx2::with_gfni(planes, block)
        } else {
            None
        };
        match done {
            None if level >= SimdLevel::Avx2 => {
                unshuffle_avx2::without_gfni(planes, block).unwrap_or(0)
            }
            done => done.unwrap_or(0),
        }
    }
    #[cfg(all(target_arch = "aarch64", target_feature = "neon"))]
    {
        if level == SimdLevel::Portable {
            return 0;
        }
        unshuffle_neon::unshuffle(planes, block)
    }
    #[cfg(not(any(
        target_arch = "x86_64",
        all(target_arch = "aarch64", target_feature = "neon")
    )))]
    {
        let _ = (planes, block, level);
        0
    }
}

/// Puts one byte of each sample together, from the bytes of the planes from `begin` on.
fn portable<const BYTES: usize>(
    planes: &Planes<'_>,
    begin: usize,
    byte: usize,
    samples: &mut [[u8; BYTES]],
) {
    let planes = planes.map(|plane| &plane[begin..]);
    let (tiles, last) = samples.as_chunks_mut::<TILE>();
    for (at, tile) in tiles.iter_mut().enumerate() {
        let words = planes.map(|plane| {
            let mut eight = [0; 8];
            eight.copy_from_slice(&plane[8 * at..8 * at + 8]);
            u64::from_le_bytes(eight)
        });
        put(tile, byte, transpose_back(words));
    }
    let done = tiles.len() * 8;
    let words = planes.map(|plane| {
        let mut eight = [0; 8];
        let left = &plane[done..];
        eight[..left.len()].copy_from_slice(left);
        u64::from_le_bytes(eight)
    });
    put(last, byte, transpose_back(words));
}

/// Writes one byte of each sample.
#[inline(always)]
fn put<const BYTES: usize>(samples: &mut [[u8; BYTES]], byte: usize, words: [u64; 8]) {
    let bytes = words.map(u64::to_le_bytes);
    for (sample, value) in samples.iter_mut().zip(bytes.as_flattened()) {
        sample[byte] = *value;
    }
}

/// Makes 64 bytes of the words that hold bit k of each of them. It transposes the bytes
/// of the words, then the bits of each word.
#[inline(always)]
fn transpose_back(mut words: [u64; 8]) -> [u64; 8] {
    for (step, corner) in [
        (4, 0x0000_0000_FFFF_FFFF_u64),
        (2, 0x0000_FFFF_0000_FFFF),
        (1, 0x00FF_00FF_00FF_00FF),
    ] {
        for upper in (0..8).filter(|row| row & step == 0) {
            let lower = upper + step;
            let differ = ((words[upper] >> (8 * step)) ^ words[lower]) & corner;
            words[lower] ^= differ;
            words[upper] ^= differ << (8 * step);
        }
    }
    words.map(transpose_bits)
}
