//! The way into AVX2: with that into AVX-512 the only unsafe code of this crate,
//! and the twin of both is [`super::transpose`].
#![allow(unsafe_code, reason = "a call into AVX2 code, with its proof")]

use std::arch::x86_64::{__m256i, _mm256_add_epi8, _mm256_movemask_epi8, _mm256_set_epi64x};

use super::TILE;

/// Sorts the bits of `samples` into `planes`; false, and nothing done, where the
/// machine has no AVX2.
pub(super) fn shuffle<const BYTES: usize>(samples: &[[u8; BYTES]], planes: &mut [u8]) -> bool {
    if !is_x86_feature_detected!("avx2") {
        return false;
    }
    // SAFETY: the machine has AVX2, which is all that the callee asks for.
    unsafe { shuffle_avx2(samples, planes) };
    true
}

#[target_feature(enable = "avx2")]
fn shuffle_avx2<const BYTES: usize>(samples: &[[u8; BYTES]], planes: &mut [u8]) {
    super::shuffle(samples, planes, |tile| {
        let (halves, _) = tile.as_chunks::<{ TILE / 2 }>();
        let mut words = [0; 8];
        for (half, shift) in halves.iter().zip([0, 32]) {
            for (word, bits) in words.iter_mut().zip(high_bits(register(half))) {
                *word |= u64::from(bits) << shift;
            }
        }
        words
    });
}

/// The compiler makes one load of it.
#[inline]
#[target_feature(enable = "avx2")]
fn register(bytes: &[u8; 32]) -> __m256i {
    let mut words = [0; 4];
    for (word, eight) in words.iter_mut().zip(bytes.as_chunks().0) {
        *word = i64::from_le_bytes(*eight);
    }
    _mm256_set_epi64x(words[3], words[2], words[1], words[0])
}

/// Bit k of each byte, for each k: there is an instruction for the highest, and
/// doubling a byte moves the next one there.
#[inline]
#[target_feature(enable = "avx2")]
fn high_bits(mut bytes: __m256i) -> [u32; 8] {
    let mut planes = [0; 8];
    for plane in planes.iter_mut().rev() {
        *plane = _mm256_movemask_epi8(bytes).cast_unsigned();
        bytes = _mm256_add_epi8(bytes, bytes);
    }
    planes
}
