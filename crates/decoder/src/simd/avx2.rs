//! [`U8x32`] with AVX2.
//!
//! All functions need AVX2 and nothing else, and may be called if [`is_available`]
//! returns true.
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

use super::width::{HALF, WHOLE};
use rxrx_cpu::CpuLevel;

/// Whether the processor has AVX2, and this process may use it.
pub(crate) fn is_available() -> bool {
    CpuLevel::Avx2.is_allowed() && is_x86_feature_detected!("avx2")
}

/// 32 bytes in two halves, see [the module](super).
#[derive(Clone, Copy, Debug)]
pub(crate) struct U8x32(__m256i);

impl U8x32 {
    #[inline]
    #[target_feature(enable = "avx2")]
    pub(crate) fn zero() -> Self {
        Self(_mm256_setzero_si256())
    }

    /// Repeats a byte 32 times.
    #[inline]
    #[target_feature(enable = "avx2")]
    pub(crate) fn splat(byte: u8) -> Self {
        Self(_mm256_set1_epi8(byte.cast_signed()))
    }

    /// Loads the lower half and the upper half.
    #[inline]
    #[target_feature(enable = "avx2")]
    pub(crate) fn load([lower, upper]: [&[u8; HALF]; 2]) -> Self {
        // SAFETY: both references are to 16 readable bytes, and the instruction needs no
        // alignment.
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
        // SAFETY: `bytes` has 32 writable bytes, and the instruction needs no alignment.
        unsafe { _mm256_storeu_si256(bytes.as_mut_ptr().cast(), self.0) };
        bytes
    }

    /// The lower half of this as lower half, and that of `other` as upper half.
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

    /// Means of both, rounded down.
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

    /// 0xFF where both bytes are equal, otherwise 0.
    #[inline]
    #[target_feature(enable = "avx2")]
    pub(crate) fn equal(self, other: Self) -> Self {
        Self(_mm256_cmpeq_epi8(self.0, other.0))
    }

    /// Converts the bytes to the form that [`U8x32::is_less_than`] compares.
    #[inline]
    #[target_feature(enable = "avx2")]
    pub(crate) fn comparable(self) -> Self {
        // AVX2 compares signed bytes.
        Self(_mm256_xor_si256(self.0, _mm256_set1_epi8(i8::MIN)))
    }

    /// 0xFF where this is less than `other`, otherwise 0. Both must be in
    /// [comparable](U8x32::comparable) form.
    #[inline]
    #[target_feature(enable = "avx2")]
    pub(crate) fn is_less_than(self, other: Self) -> Self {
        Self(_mm256_cmpgt_epi8(other.0, self.0))
    }

    /// Bytes of this where the mask is 0, and of `other` where it is 0xFF.
    #[inline]
    #[target_feature(enable = "avx2")]
    pub(crate) fn blend(self, mask: Self, other: Self) -> Self {
        Self(_mm256_blendv_epi8(self.0, other.0, mask.0))
    }

    /// Shifts each half by one pixel: the last pixel of `previous` comes first, then all but
    /// the last pixel of this. A pixel has `BPP` bytes, 1 or 2.
    #[inline]
    #[target_feature(enable = "avx2")]
    pub(crate) fn shift_in<const BPP: usize>(self, previous: Self) -> Self {
        Self(if BPP == 1 {
            _mm256_alignr_epi8::<15>(self.0, previous.0)
        } else {
            _mm256_alignr_epi8::<14>(self.0, previous.0)
        })
    }

    /// Rearranges the bytes of each half: byte i of the result is byte `positions[i]`, 0 to
    /// 15.
    #[inline]
    #[target_feature(enable = "avx2")]
    pub(crate) fn shuffle(self, positions: &[u8; HALF]) -> Self {
        Self(_mm256_shuffle_epi8(
            self.0,
            Self::load([positions, positions]).0,
        ))
    }

    /// Takes pixels of this and of `other` in turn, in each half separately: the first
    /// result has the first 8 bytes of both, the second result the last 8 bytes.
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

    /// Returns this unchanged, and keeps the compiler from rewriting the computation
    /// around it: its rewrites save instructions, but lengthen the chain of those that
    /// wait for each other.
    #[inline]
    #[target_feature(enable = "avx2")]
    pub(crate) fn optimisation_barrier(mut self) -> Self {
        // SAFETY: the assembly is empty, so it changes neither registers nor memory.
        unsafe {
            asm!(
                "/* {} */", inout(ymm_reg) self.0,
                options(pure, nomem, nostack, preserves_flags),
            );
        }
        self
    }
}

/// Sums of bytes, in lanes of 64 bits.
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
    pub(crate) fn add(&mut self, bytes: U8x32) {
        let sums = _mm256_sad_epu8(bytes.0, _mm256_setzero_si256());
        self.0 = _mm256_add_epi64(self.0, sums);
    }

    /// Adds the square of each byte.
    #[inline]
    #[target_feature(enable = "avx2")]
    pub(crate) fn add_squares(&mut self, registers: [U8x32; 4]) {
        let zero = _mm256_setzero_si256();
        // At most 16 x 255² in each lane.
        let mut sums = zero;
        for U8x32(bytes) in registers {
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
        let bytes = U8x32(self.0).halves();
        let (lanes, _) = bytes.as_flattened().as_chunks();
        lanes.iter().map(|lane| u64::from_le_bytes(*lane)).sum()
    }
}

const _: () = assert!(size_of::<U8x32>() == WHOLE);
