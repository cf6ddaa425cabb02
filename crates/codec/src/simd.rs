//! The instruction sets that may be used, and moves between memory and registers.
#![allow(
    unsafe_code,
    reason = "stores of whole registers to arrays of their size"
)]

#[cfg(all(target_arch = "aarch64", target_feature = "neon"))]
use std::arch::aarch64::{
    uint8x16_t, vcombine_u8, vcreate_u8, vgetq_lane_u64, vreinterpretq_u64_u8,
};
#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::{__m256i, _mm256_set_epi64x, _mm256_storeu_si256};

/// The largest instruction set that may be used. Where the processor lacks it, the next
/// smaller one is taken. The bytes do not depend on it.
///
/// On aarch64, where every processor has NEON, all levels but [`SimdLevel::Portable`] use
/// that.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum SimdLevel {
    /// Only instructions that every processor of the target has, chosen by the compiler.
    Portable,
    /// AVX2.
    Avx2,
    /// AVX2 and GFNI.
    Gfni,
    /// AVX-512 with VBMI, and GFNI.
    #[default]
    Avx512,
}

impl SimdLevel {
    /// All levels, the smallest first.
    pub const ALL: [Self; 4] = [Self::Portable, Self::Avx2, Self::Gfni, Self::Avx512];
}

/// Loads 32 bytes; the compiler makes one instruction of it.
#[cfg(target_arch = "x86_64")]
#[inline]
#[target_feature(enable = "avx2")]
pub(crate) fn load_avx2(bytes: &[u8; 32]) -> __m256i {
    let mut words = [0; 4];
    for (word, eight) in words.iter_mut().zip(bytes.as_chunks().0) {
        *word = i64::from_le_bytes(*eight);
    }
    _mm256_set_epi64x(words[3], words[2], words[1], words[0])
}

/// Stores 32 bytes.
#[cfg(target_arch = "x86_64")]
#[inline]
#[target_feature(enable = "avx2")]
pub(crate) fn store_avx2(register: __m256i, bytes: &mut [u8; 32]) {
    // SAFETY: the reference is to 32 writeable bytes, and the instruction asks for no
    // alignment.
    unsafe { _mm256_storeu_si256(bytes.as_mut_ptr().cast(), register) }
}

/// Loads 16 bytes; the compiler makes one instruction of it.
#[cfg(all(target_arch = "aarch64", target_feature = "neon"))]
#[inline]
#[target_feature(enable = "neon")]
pub(crate) fn load_neon(bytes: &[u8; 16]) -> uint8x16_t {
    let mut words = [0; 2];
    for (word, eight) in words.iter_mut().zip(bytes.as_chunks().0) {
        *word = u64::from_le_bytes(*eight);
    }
    let [low, high] = words;
    vcombine_u8(vcreate_u8(low), vcreate_u8(high))
}

/// Stores 16 bytes; the compiler makes one instruction of it.
#[cfg(all(target_arch = "aarch64", target_feature = "neon"))]
#[inline]
#[target_feature(enable = "neon")]
pub(crate) fn store_neon(register: uint8x16_t, bytes: &mut [u8; 16]) {
    let register = vreinterpretq_u64_u8(register);
    let words = [vgetq_lane_u64::<0>(register), vgetq_lane_u64::<1>(register)];
    for (eight, word) in bytes.as_chunks_mut().0.iter_mut().zip(words) {
        *eight = word.to_le_bytes();
    }
}
