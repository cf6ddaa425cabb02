//! AVX2.
//!
//! All functions here ask for AVX2 and for nothing else: who has asked
//! [`has_registers`] may call them.
#![allow(unsafe_code, reason = "AVX2 intrinsics; each block has its proof")]

use std::arch::asm;
use std::arch::x86_64::{
    __m256i, _mm_loadu_si128, _mm256_add_epi8, _mm256_add_epi32, _mm256_add_epi64,
    _mm256_alignr_epi8, _mm256_and_si256, _mm256_avg_epu8, _mm256_blendv_epi8,
    _mm256_castsi256_si128, _mm256_cmpeq_epi8, _mm256_cmpgt_epi8, _mm256_inserti128_si256,
    _mm256_madd_epi16, _mm256_max_epu8, _mm256_min_epu8, _mm256_or_si256, _mm256_sad_epu8,
    _mm256_set_m128i, _mm256_set1_epi8, _mm256_setzero_si256, _mm256_shuffle_epi8,
    _mm256_storeu_si256, _mm256_sub_epi8, _mm256_unpackhi_epi8, _mm256_unpackhi_epi16,
    _mm256_unpackhi_epi32, _mm256_unpacklo_epi8, _mm256_unpacklo_epi16, _mm256_unpacklo_epi32,
    _mm256_xor_si256,
};

use super::{HALF, WHOLE};

/// Whether the machine has the instructions.
pub(crate) fn has_registers() -> bool {
    is_x86_feature_detected!("avx2")
}

/// See [the module](super).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Register(__m256i);

impl Register {
    #[inline]
    #[target_feature(enable = "avx2")]
    pub(crate) fn zero() -> Self {
        Self(_mm256_setzero_si256())
    }

    /// The same byte everywhere.
    #[inline]
    #[target_feature(enable = "avx2")]
    pub(crate) fn splat(byte: u8) -> Self {
        Self(_mm256_set1_epi8(byte.cast_signed()))
    }

    /// Two halves, the lower first.
    #[inline]
    #[target_feature(enable = "avx2")]
    pub(crate) fn load([lower, upper]: [&[u8; HALF]; 2]) -> Self {
        // SAFETY: both references are to 16 readable bytes, and the instruction
        // asks for no alignment.
        let halves = unsafe {
            (
                _mm_loadu_si128(lower.as_ptr().cast()),
                _mm_loadu_si128(upper.as_ptr().cast()),
            )
        };
        Self(_mm256_set_m128i(halves.1, halves.0))
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    pub(crate) fn halves(self) -> [[u8; HALF]; 2] {
        let mut bytes = [[0; HALF]; 2];
        // SAFETY: these are 32 bytes that may be written, and the instruction
        // asks for no alignment.
        unsafe { _mm256_storeu_si256(bytes.as_mut_ptr().cast(), self.0) };
        bytes
    }

    /// The lower halves of both, the first one's lower.
    #[inline]
    #[target_feature(enable = "avx2")]
    pub(crate) fn lower_halves(self, other: Self) -> Self {
        let other = _mm256_castsi256_si128(other.0);
        Self(_mm256_inserti128_si256::<1>(self.0, other))
    }

    /// Sums modulo 256.
    #[inline]
    #[target_feature(enable = "avx2")]
    pub(crate) fn add(self, other: Self) -> Self {
        Self(_mm256_add_epi8(self.0, other.0))
    }

    /// Differences modulo 256.
    #[inline]
    #[target_feature(enable = "avx2")]
    pub(crate) fn sub(self, other: Self) -> Self {
        Self(_mm256_sub_epi8(self.0, other.0))
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    pub(crate) fn min(self, other: Self) -> Self {
        Self(_mm256_min_epu8(self.0, other.0))
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    pub(crate) fn max(self, other: Self) -> Self {
        Self(_mm256_max_epu8(self.0, other.0))
    }

    /// Half the sums, rounded down.
    #[inline]
    #[target_feature(enable = "avx2")]
    pub(crate) fn average(self, other: Self) -> Self {
        // The instruction rounds up.
        let odd = _mm256_and_si256(_mm256_xor_si256(self.0, other.0), _mm256_set1_epi8(1));
        Self(_mm256_sub_epi8(_mm256_avg_epu8(self.0, other.0), odd))
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    pub(crate) fn and(self, other: Self) -> Self {
        Self(_mm256_and_si256(self.0, other.0))
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    pub(crate) fn or(self, other: Self) -> Self {
        Self(_mm256_or_si256(self.0, other.0))
    }

    /// All ones where both are the same, otherwise zero.
    #[inline]
    #[target_feature(enable = "avx2")]
    pub(crate) fn equal(self, other: Self) -> Self {
        Self(_mm256_cmpeq_epi8(self.0, other.0))
    }

    /// The bytes as numbers that [`Register::is_below`] compares.
    #[inline]
    #[target_feature(enable = "avx2")]
    pub(crate) fn comparable(self) -> Self {
        // Signed, that is.
        Self(_mm256_xor_si256(self.0, _mm256_set1_epi8(i8::MIN)))
    }

    /// All ones where this is less than `other`, otherwise zero; both
    /// [comparable](Register::comparable).
    #[inline]
    #[target_feature(enable = "avx2")]
    pub(crate) fn is_below(self, other: Self) -> Self {
        Self(_mm256_cmpgt_epi8(other.0, self.0))
    }

    /// This where the mask is zero, `other` where it is all ones.
    #[inline]
    #[target_feature(enable = "avx2")]
    pub(crate) fn or_where(self, mask: Self, other: Self) -> Self {
        Self(_mm256_blendv_epi8(self.0, other.0, mask.0))
    }

    /// In each half the last pixel of `before`, then all but the last of this.
    /// `BPP`: bytes a pixel, 1 or 2.
    #[inline]
    #[target_feature(enable = "avx2")]
    pub(crate) fn behind<const BPP: usize>(self, before: Self) -> Self {
        Self(if BPP == 1 {
            _mm256_alignr_epi8::<15>(self.0, before.0)
        } else {
            _mm256_alignr_epi8::<14>(self.0, before.0)
        })
    }

    /// In each half the bytes at these places of it, 0 to 15.
    #[inline]
    #[target_feature(enable = "avx2")]
    pub(crate) fn at(self, places: &[u8; HALF]) -> Self {
        Self(_mm256_shuffle_epi8(self.0, Self::load([places, places]).0))
    }

    /// In each half pixels of both in turn: of their first halves, and of their
    /// second.
    #[inline]
    #[target_feature(enable = "avx2")]
    pub(crate) fn interleave<const BPP: usize>(self, other: Self) -> [Self; 2] {
        if BPP == 1 {
            [
                Self(_mm256_unpacklo_epi8(self.0, other.0)),
                Self(_mm256_unpackhi_epi8(self.0, other.0)),
            ]
        } else {
            [
                Self(_mm256_unpacklo_epi16(self.0, other.0)),
                Self(_mm256_unpackhi_epi16(self.0, other.0)),
            ]
        }
    }

    /// The same, which the compiler must have computed as it is written: it knows
    /// shorter ways, but those that everything waits for are longer.
    #[inline]
    #[target_feature(enable = "avx2")]
    pub(crate) fn computed(mut self) -> Self {
        // SAFETY: no instruction, that is.
        unsafe {
            asm!(
                "/* {} */", inout(ymm_reg) self.0,
                options(pure, nomem, nostack, preserves_flags),
            );
        }
        self
    }
}

/// Sums in several lanes of 64 bits.
#[derive(Clone, Copy)]
pub(crate) struct Sums(__m256i);

impl Sums {
    #[inline]
    #[target_feature(enable = "avx2")]
    pub(crate) fn zero() -> Self {
        Self(_mm256_setzero_si256())
    }

    /// Adds each byte.
    #[inline]
    #[target_feature(enable = "avx2")]
    pub(crate) fn add(&mut self, bytes: Register) {
        let sums = _mm256_sad_epu8(bytes.0, _mm256_setzero_si256());
        self.0 = _mm256_add_epi64(self.0, sums);
    }

    /// Adds the square of each byte.
    #[inline]
    #[target_feature(enable = "avx2")]
    pub(crate) fn add_squares(&mut self, registers: [Register; 4]) {
        let zero = _mm256_setzero_si256();
        // 16 x 255² at most in each lane.
        let mut sums = zero;
        for Register(bytes) in registers {
            for words in [
                _mm256_unpacklo_epi8(bytes, zero),
                _mm256_unpackhi_epi8(bytes, zero),
            ] {
                sums = _mm256_add_epi32(sums, _mm256_madd_epi16(words, words));
            }
        }
        let low = _mm256_add_epi64(self.0, _mm256_unpacklo_epi32(sums, zero));
        self.0 = _mm256_add_epi64(low, _mm256_unpackhi_epi32(sums, zero));
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    pub(crate) fn total(self) -> u64 {
        let bytes = Register(self.0).halves();
        let (lanes, _) = bytes.as_flattened().as_chunks();
        lanes.iter().map(|lane| u64::from_le_bytes(*lane)).sum()
    }
}

const _: () = assert!(size_of::<Register>() == WHOLE);
