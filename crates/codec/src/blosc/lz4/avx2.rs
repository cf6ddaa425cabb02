//! Comparison of bytes with AVX2. Tests compare it with the portable [`equal`].
//!
//! [`equal`]: super::compare::equal
#![allow(unsafe_code, reason = "a call into AVX2 code, with its proof")]

use std::arch::x86_64::{_mm256_cmpeq_epi8, _mm256_movemask_epi8};

use rxrx_cpu::CpuLevel;

use super::compare::compare;
use crate::simd::load_avx2;

/// Does what [`compare`] does. Returns false, and does nothing, where the
/// processor has no AVX2.
pub(super) fn try_compare(bytes: &[u8], distance: usize, equals: &mut Vec<u64>) -> bool {
    if !(CpuLevel::Avx2.is_allowed() && is_x86_feature_detected!("avx2")) {
        return false;
    }
    // SAFETY: the processor has AVX2, which the line above found out; the callee
    // requires nothing else.
    unsafe { compare_avx2(bytes, distance, equals) };
    true
}

#[target_feature(enable = "avx2")]
fn compare_avx2(bytes: &[u8], distance: usize, equals: &mut Vec<u64>) {
    compare(bytes, distance, equals, |a, b| {
        let halves = a.as_chunks().0.iter().zip(b.as_chunks().0);
        halves.zip([0, 32]).fold(0, |word, ((a, b), shift)| {
            let bits = _mm256_movemask_epi8(_mm256_cmpeq_epi8(load_avx2(a), load_avx2(b)));
            word | u64::from(bits.cast_unsigned()) << shift
        })
    });
}
