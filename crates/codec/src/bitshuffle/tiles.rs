//! The loop over tiles of samples, which every instruction set shares, and the
//! portable transposition of one tile.
#![allow(
    clippy::indexing_slicing,
    reason = "the lengths of all blocks are computed in this file"
)]

/// The planes of one byte of each sample: bit k is in plane k.
pub(super) type Planes<'a> = [&'a [u8]; 8];

/// Samples of a tile: each plane gets eight bytes of it.
pub(super) const TILE: usize = 64;

/// Tiles whose share of a plane is written at once: one cache line. The planes lie
/// powers of two apart, so their lines compete for the same sets of the cache.
/// Writing whole lines touches each line once.
const LINE: usize = 8;

/// Sorts the bits of `samples` into `planes`, which has `8 * BYTES` planes of
/// `samples.len() / 8` bytes. `transpose` returns bit k of the 64 bytes of a tile
/// in word k. The function is inlined so that AVX2 and AVX-512 apply to the whole
/// loop.
#[inline(always)]
pub(super) fn shuffle<const BYTES: usize>(
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

/// Returns bit k of 64 bytes in word k; the first byte gives the lowest bit.
///
/// It transposes the bits of each word of eight bytes, then the bytes of eight
/// words. Each transposition swaps the off-diagonal halves, then quarters, then
/// eighths.
#[inline(always)]
pub(super) fn transpose(tile: &[u8; TILE]) -> [u64; 8] {
    let mut words = [0; 8];
    for (word, eight) in words.iter_mut().zip(tile.as_chunks().0) {
        *word = transpose_bits(u64::from_le_bytes(*eight));
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

/// Transposes the 8 x 8 bits of a word: bit k of byte j becomes bit j of byte k.
#[inline(always)]
pub(super) fn transpose_bits(mut bits: u64) -> u64 {
    for (distance, corner) in [
        (7, 0x00AA_00AA_00AA_00AA),
        (14, 0x0000_CCCC_0000_CCCC),
        (28, 0x0000_0000_F0F0_F0F0),
    ] {
        let differ = (bits ^ (bits >> distance)) & corner;
        bits ^= differ ^ (differ << distance);
    }
    bits
}
