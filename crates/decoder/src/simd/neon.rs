//! [`U8x32`] with NEON.
//!
//! This module is compiled only for targets whose every processor has NEON
//! (`target_feature = "neon"`), so its functions may be called anywhere.
#![allow(unsafe_code, reason = "NEON intrinsics; each block has its proof")]

use std::arch::aarch64::{
    uint8x16_t, uint64x2_t, vaddq_u8, vaddvq_u64, vandq_u8, vbslq_u8, vceqq_u8, vcltq_u8,
    vdupq_n_u8, vdupq_n_u32, vdupq_n_u64, vextq_u8, vget_low_u8, vhaddq_u8, vld1q_u8, vmaxq_u8,
    vminq_u8, vmull_high_u8, vmull_u8, vorrq_u8, vpadalq_u16, vpadalq_u32, vpaddlq_u8, vpaddlq_u16,
    vqtbl1q_u8, vreinterpretq_u8_u16, vreinterpretq_u16_u8, vst1q_u8, vsubq_u8, vzip1q_u8,
    vzip1q_u16, vzip2q_u8, vzip2q_u16,
};

use super::width::HALF;

/// Whether the processor has NEON: always, where this module is compiled.
pub(crate) const fn is_available() -> bool {
    true
}

/// 32 bytes in two halves, see [the module](super).
#[derive(Clone, Copy, Debug)]
pub(crate) struct U8x32([uint8x16_t; 2]);

/// Defines methods that apply one intrinsic to the lower and to the upper halves.
macro_rules! for_each_half {
    ($($(#[$doc:meta])* $name:ident: $intrinsic:ident;)*) => {$(
        $(#[$doc])*
        #[inline(always)]
        pub(crate) fn $name(self, other: Self) -> Self {
            let [lower, upper] = self.0;
            // SAFETY: the target has NEON, and the intrinsic needs nothing else.
            Self(unsafe { [$intrinsic(lower, other.0[0]), $intrinsic(upper, other.0[1])] })
        }
    )*};
}

impl U8x32 {
    #[inline(always)]
    pub(crate) fn zero() -> Self {
        Self::splat(0)
    }

    /// Repeats a byte 32 times.
    #[inline(always)]
    pub(crate) fn splat(byte: u8) -> Self {
        // SAFETY: the target has NEON, and the intrinsic needs nothing else.
        Self([unsafe { vdupq_n_u8(byte) }; 2])
    }

    /// Loads the lower half and the upper half.
    #[inline(always)]
    pub(crate) fn load(halves: [&[u8; HALF]; 2]) -> Self {
        // SAFETY: the target has NEON, and each reference is to 16 readable bytes.
        Self(halves.map(|half| unsafe { vld1q_u8(half.as_ptr()) }))
    }

    #[inline(always)]
    pub(crate) fn halves(self) -> [[u8; HALF]; 2] {
        self.0.map(|half| {
            let mut bytes = [0; HALF];
            // SAFETY: the target has NEON, and `bytes` has 16 writable bytes.
            unsafe { vst1q_u8(bytes.as_mut_ptr(), half) };
            bytes
        })
    }

    /// The lower half of this as lower half, and that of `other` as upper half.
    #[inline(always)]
    pub(crate) fn lower_halves(self, other: Self) -> Self {
        Self([self.0[0], other.0[0]])
    }

    for_each_half! {
        /// Sums modulo 256.
        add: vaddq_u8;
        /// Differences modulo 256.
        sub: vsubq_u8;
        min: vminq_u8;
        max: vmaxq_u8;
        /// Means of both, rounded down.
        average: vhaddq_u8;
        and: vandq_u8;
        or: vorrq_u8;
        /// 0xFF where both bytes are equal, otherwise 0.
        equal: vceqq_u8;
        /// 0xFF where this is less than `other`, otherwise 0. Both must be in
        /// [comparable](U8x32::comparable) form.
        is_less_than: vcltq_u8;
    }

    /// Converts the bytes to the form that [`U8x32::is_less_than`] compares.
    #[inline(always)]
    pub(crate) const fn comparable(self) -> Self {
        self
    }

    /// Bytes of this where the mask is 0, and of `other` where it is 0xFF.
    #[inline(always)]
    pub(crate) fn blend(self, mask: Self, other: Self) -> Self {
        let select = |half: usize| {
            // SAFETY: the target has NEON, and the intrinsic needs nothing else.
            unsafe { vbslq_u8(mask.0[half], other.0[half], self.0[half]) }
        };
        Self([select(0), select(1)])
    }

    /// Shifts each half by one pixel: the last pixel of `previous` comes first, then all but
    /// the last pixel of this. A pixel has `BPP` bytes, 1 or 2.
    #[inline(always)]
    pub(crate) fn shift_in<const BPP: usize>(self, previous: Self) -> Self {
        let shift = |half: usize| {
            // SAFETY: the target has NEON, and the intrinsic needs nothing else.
            unsafe {
                if BPP == 1 {
                    vextq_u8::<15>(previous.0[half], self.0[half])
                } else {
                    vextq_u8::<14>(previous.0[half], self.0[half])
                }
            }
        };
        Self([shift(0), shift(1)])
    }

    /// Rearranges the bytes of each half: byte i of the result is byte `positions[i]`, 0 to
    /// 15.
    #[inline(always)]
    pub(crate) fn shuffle(self, positions: &[u8; HALF]) -> Self {
        let [positions, _] = Self::load([positions, positions]).0;
        // SAFETY: the target has NEON, and the intrinsic needs nothing else.
        Self(self.0.map(|half| unsafe { vqtbl1q_u8(half, positions) }))
    }

    /// Takes pixels of this and of `other` in turn, in each half separately: the first
    /// result has the first 8 bytes of both, the second result the last 8 bytes.
    #[inline(always)]
    pub(crate) fn interleave<const BPP: usize>(self, other: Self) -> [Self; 2] {
        let first = |half: usize| {
            let (a, b) = (self.0[half], other.0[half]);
            // SAFETY: the target has NEON, and the intrinsics need nothing else.
            unsafe {
                if BPP == 1 {
                    vzip1q_u8(a, b)
                } else {
                    let words = vzip1q_u16(vreinterpretq_u16_u8(a), vreinterpretq_u16_u8(b));
                    vreinterpretq_u8_u16(words)
                }
            }
        };
        let second = |half: usize| {
            let (a, b) = (self.0[half], other.0[half]);
            // SAFETY: the target has NEON, and the intrinsics need nothing else.
            unsafe {
                if BPP == 1 {
                    vzip2q_u8(a, b)
                } else {
                    let words = vzip2q_u16(vreinterpretq_u16_u8(a), vreinterpretq_u16_u8(b));
                    vreinterpretq_u8_u16(words)
                }
            }
        };
        [Self([first(0), first(1)]), Self([second(0), second(1)])]
    }

    /// Returns this unchanged. Whether the barrier that AVX2 needs would help here has not
    /// been measured.
    #[inline(always)]
    pub(crate) const fn optimisation_barrier(self) -> Self {
        self
    }
}

/// Sums of bytes, in lanes of 64 bits.
#[derive(Clone, Copy)]
pub(crate) struct Sums(uint64x2_t);

impl Sums {
    #[inline(always)]
    pub(crate) fn zero() -> Self {
        // SAFETY: the target has NEON, and the intrinsic needs nothing else.
        Self(unsafe { vdupq_n_u64(0) })
    }

    /// Adds each byte.
    #[inline(always)]
    pub(crate) fn add(&mut self, bytes: U8x32) {
        for half in bytes.0 {
            // SAFETY: the target has NEON, and the intrinsics need nothing else.
            self.0 = unsafe { vpadalq_u32(self.0, vpaddlq_u16(vpaddlq_u8(half))) };
        }
    }

    /// Adds the square of each byte.
    #[inline(always)]
    pub(crate) fn add_squares(&mut self, registers: [U8x32; 4]) {
        // SAFETY: the target has NEON, and the intrinsics need nothing else.
        unsafe {
            // At most 32 x 255² in each lane.
            let mut sums = vdupq_n_u32(0);
            for half in registers.into_iter().flat_map(|register| register.0) {
                let low = vget_low_u8(half);
                sums = vpadalq_u16(sums, vmull_u8(low, low));
                sums = vpadalq_u16(sums, vmull_high_u8(half, half));
            }
            self.0 = vpadalq_u32(self.0, sums);
        }
    }

    #[inline(always)]
    pub(crate) fn total(self) -> u64 {
        // SAFETY: the target has NEON, and the intrinsic needs nothing else.
        unsafe { vaddvq_u64(self.0) }
    }
}
