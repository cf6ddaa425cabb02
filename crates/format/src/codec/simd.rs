//! The instruction sets that the encoder may use.

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::{__m256i, _mm256_set_epi64x};

/// The largest instruction set that the encoder may use. Where the processor lacks
/// it, the encoder takes the next smaller one. The stored bytes do not depend on it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum SimdLevel {
    /// Only instructions that every processor of the target has.
    #[cfg_attr(not(test), allow(dead_code, reason = "chosen by tests only"))]
    Portable,
    /// AVX2.
    #[cfg_attr(not(test), allow(dead_code, reason = "chosen by tests only"))]
    Avx2,
    /// AVX-512 with VBMI, and GFNI.
    #[default]
    Avx512,
}

impl SimdLevel {
    /// All levels, the smallest first.
    #[cfg(test)]
    pub(super) const ALL: [Self; 3] = [Self::Portable, Self::Avx2, Self::Avx512];
}

/// Loads 32 bytes; the compiler makes one instruction of it.
#[cfg(target_arch = "x86_64")]
#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn load_avx2(bytes: &[u8; 32]) -> __m256i {
    let mut words = [0; 4];
    for (word, eight) in words.iter_mut().zip(bytes.as_chunks().0) {
        *word = i64::from_le_bytes(*eight);
    }
    _mm256_set_epi64x(words[3], words[2], words[1], words[0])
}
