//! Sums of samples with AVX2. Tests compare them with the portable form.
#![allow(unsafe_code, reason = "a call into AVX2 code, with its proof")]

use std::arch::x86_64::{
    __m256i, _mm256_add_epi8, _mm256_add_epi16, _mm256_permute2x128_si256,
    _mm256_permute4x64_epi64, _mm256_set1_epi8, _mm256_set1_epi16, _mm256_setzero_si256,
    _mm256_shuffle_epi8, _mm256_slli_si256,
};

use rxrx_cpu::CpuLevel;

use crate::simd::{load_avx2, store_avx2};

/// Replaces each sample in whole registers by the sum of all samples up to it, and returns
/// the number of bytes of these registers. `None`, and nothing done, without AVX2.
pub(super) fn sums<const BYTES: usize>(pixels: &mut [u8]) -> Option<usize> {
    // SAFETY: the processor has AVX2, as the condition found out; the callee requires
    // nothing else.
    (CpuLevel::Avx2.is_allowed() && is_x86_feature_detected!("avx2"))
        .then(|| unsafe { sums_avx2::<BYTES>(pixels) })
}

#[target_feature(enable = "avx2")]
fn sums_avx2<const BYTES: usize>(pixels: &mut [u8]) -> usize {
    let (lines, rest) = pixels.as_chunks_mut::<32>();
    let rest = rest.len();
    // The sum of all samples so far, in each place. It depends on the lines before by one
    // addition only.
    let mut before = _mm256_setzero_si256();
    for line in lines {
        let sums = sums_of_line::<BYTES>(load_avx2(line));
        store_avx2(add::<BYTES>(sums, before), line);
        let whole = last::<BYTES>(_mm256_permute4x64_epi64::<0xFF>(sums));
        before = add::<BYTES>(before, whole);
    }
    pixels.len() - rest
}

/// Sums the samples of a register.
#[inline]
#[target_feature(enable = "avx2")]
fn sums_of_line<const BYTES: usize>(line: __m256i) -> __m256i {
    let mut sums = line;
    if BYTES == 1 {
        sums = add::<BYTES>(sums, _mm256_slli_si256::<1>(sums));
    }
    sums = add::<BYTES>(sums, _mm256_slli_si256::<2>(sums));
    sums = add::<BYTES>(sums, _mm256_slli_si256::<4>(sums));
    sums = add::<BYTES>(sums, _mm256_slli_si256::<8>(sums));
    // The shifts stay within each half: the sum of the low one is added to the high one.
    let low = _mm256_permute2x128_si256::<0x08>(sums, sums);
    add::<BYTES>(sums, last::<BYTES>(low))
}

/// Repeats the last sample of each half of a register.
#[inline]
#[target_feature(enable = "avx2")]
fn last<const BYTES: usize>(register: __m256i) -> __m256i {
    let places = match BYTES {
        1 => _mm256_set1_epi8(15),
        _ => _mm256_set1_epi16(0x0F0E),
    };
    _mm256_shuffle_epi8(register, places)
}

/// Adds samples.
#[inline]
#[target_feature(enable = "avx2")]
fn add<const BYTES: usize>(a: __m256i, b: __m256i) -> __m256i {
    match BYTES {
        1 => _mm256_add_epi8(a, b),
        _ => _mm256_add_epi16(a, b),
    }
}
