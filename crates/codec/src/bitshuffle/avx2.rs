//! Bitshuffle with AVX2. Tests compare it with the portable [`tiles::transpose`].
//!
//! [`tiles::transpose`]: super::tiles::transpose
#![allow(unsafe_code, reason = "a call into AVX2 code, with its proof")]

use std::arch::x86_64::{__m256i, _mm256_add_epi8, _mm256_movemask_epi8};

use rxrx_cpu::CpuLevel;

use super::tiles::{self, TILE};
use crate::simd::load_avx2;

/// Sorts the bits of `samples` into `planes`. Returns false, and does nothing, where
/// the processor has no AVX2.
pub(super) fn shuffle<const BYTES: usize>(samples: &[[u8; BYTES]], planes: &mut [u8]) -> bool {
    if !(CpuLevel::Avx2.is_allowed() && is_x86_feature_detected!("avx2")) {
        return false;
    }
    // SAFETY: the processor has AVX2, which the line above found out; the callee
    // requires nothing else.
    unsafe { shuffle_avx2(samples, planes) };
    true
}

#[target_feature(enable = "avx2")]
fn shuffle_avx2<const BYTES: usize>(samples: &[[u8; BYTES]], planes: &mut [u8]) {
    tiles::shuffle(samples, planes, |tile| {
        let (halves, _) = tile.as_chunks::<{ TILE / 2 }>();
        let mut words = [0; 8];
        for (half, shift) in halves.iter().zip([0, 32]) {
            for (word, bits) in words.iter_mut().zip(high_bits(load_avx2(half))) {
                *word |= u64::from(bits) << shift;
            }
        }
        words
    });
}

/// Returns bit k of each byte in word k. One instruction collects the highest bits;
/// doubling each byte moves the next bit there.
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
