//! The way into AVX2; the twin of what it does there is [`super::equal`].
#![allow(unsafe_code, reason = "a call into AVX2 code, with its proof")]

use std::arch::x86_64::{__m256i, _mm256_cmpeq_epi8, _mm256_movemask_epi8, _mm256_set_epi64x};

/// [`super::compare`]; false, and nothing done, where the machine has no AVX2.
pub(super) fn compare(bytes: &[u8], distance: usize, alike: &mut Vec<u64>) -> bool {
    if !is_x86_feature_detected!("avx2") {
        return false;
    }
    // SAFETY: the machine has AVX2, which is all that the callee asks for.
    unsafe { compare_avx2(bytes, distance, alike) };
    true
}

#[target_feature(enable = "avx2")]
fn compare_avx2(bytes: &[u8], distance: usize, alike: &mut Vec<u64>) {
    super::compare(bytes, distance, alike, |a, b| {
        let halves = a.as_chunks().0.iter().zip(b.as_chunks().0);
        halves.zip([0, 32]).fold(0, |word, ((a, b), shift)| {
            let bits = _mm256_movemask_epi8(_mm256_cmpeq_epi8(register(a), register(b)));
            word | u64::from(bits.cast_unsigned()) << shift
        })
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
