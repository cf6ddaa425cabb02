//! The inverse of bitshuffle, 64 samples at a time, in portable code.
#![allow(
    clippy::indexing_slicing,
    reason = "the loops run over planes whose lengths are computed beside them"
)]

use super::tiles::TILE;

/// Sorts the bits of `planes`, `8 * BYTES` planes of `samples.len() / 8` bytes, back
/// into `samples`.
pub(super) fn unshuffle<const BYTES: usize>(planes: &[u8], samples: &mut [[u8; BYTES]]) {
    let plane_bytes = samples.len() / 8;
    if plane_bytes == 0 {
        return;
    }
    for (byte, planes) in planes.chunks_exact(8 * plane_bytes).enumerate() {
        let plane = |bit: usize| &planes[bit * plane_bytes..(bit + 1) * plane_bytes];
        let planes: [&[u8]; 8] = std::array::from_fn(plane);
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
}

/// Writes one byte of each sample.
#[inline(always)]
fn put<const BYTES: usize>(samples: &mut [[u8; BYTES]], byte: usize, words: [u64; 8]) {
    let bytes = words.map(u64::to_le_bytes);
    for (sample, value) in samples.iter_mut().zip(bytes.as_flattened()) {
        sample[byte] = *value;
    }
}

/// Makes 64 bytes of the words that hold bit k of each of them: first the bytes
/// change places among the words, then the bits within each word.
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
    words.map(|mut bits| {
        for (distance, corner) in [
            (28, 0x0000_0000_F0F0_F0F0),
            (14, 0x0000_CCCC_0000_CCCC),
            (7, 0x00AA_00AA_00AA_00AA),
        ] {
            let differ = (bits ^ (bits >> distance)) & corner;
            bits ^= differ ^ (differ << distance);
        }
        bits
    })
}
