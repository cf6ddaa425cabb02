//! NEON, without which there is no standard library for aarch64.
#![allow(unsafe_code, reason = "NEON intrinsics; each block has its proof")]

use std::arch::aarch64::{
    uint8x16_t, uint64x2_t, vaddq_u8, vaddvq_u64, vandq_u8, vbslq_u8, vceqq_u8, vcltq_u8,
    vdupq_n_u8, vdupq_n_u32, vdupq_n_u64, vextq_u8, vget_low_u8, vhaddq_u8, vld1q_u8, vmaxq_u8,
    vminq_u8, vmull_high_u8, vmull_u8, vorrq_u8, vpadalq_u16, vpadalq_u32, vpaddlq_u8, vpaddlq_u16,
    vqtbl1q_u8, vreinterpretq_u8_u16, vreinterpretq_u16_u8, vst1q_u8, vsubq_u8, vzip1q_u8,
    vzip1q_u16, vzip2q_u8, vzip2q_u16,
};

use super::HALF;

/// Whether the machine has the instructions.
pub(crate) const fn has_registers() -> bool {
    cfg!(target_feature = "neon")
}

/// See [the module](super).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Register([uint8x16_t; 2]);

/// Methods that do the same with either half of two registers.
macro_rules! for_each_half {
    ($($(#[$doc:meta])* $name:ident: $intrinsic:ident;)*) => {$(
        $(#[$doc])*
        #[inline(always)]
        pub(crate) fn $name(self, other: Self) -> Self {
            let [lower, upper] = self.0;
            // SAFETY: the machine has NEON, and that is all the intrinsic asks for.
            Self(unsafe { [$intrinsic(lower, other.0[0]), $intrinsic(upper, other.0[1])] })
        }
    )*};
}

impl Register {
    #[inline(always)]
    pub(crate) fn zero() -> Self {
        Self::splat(0)
    }

    /// The same byte everywhere.
    #[inline(always)]
    pub(crate) fn splat(byte: u8) -> Self {
        // SAFETY: the machine has NEON, and that is all the intrinsic asks for.
        Self([unsafe { vdupq_n_u8(byte) }; 2])
    }

    /// Two halves, the lower first.
    #[inline(always)]
    pub(crate) fn load(halves: [&[u8; HALF]; 2]) -> Self {
        // SAFETY: the machine has NEON, and the references are to 16 readable
        // bytes each.
        Self(halves.map(|half| unsafe { vld1q_u8(half.as_ptr()) }))
    }

    #[inline(always)]
    pub(crate) fn halves(self) -> [[u8; HALF]; 2] {
        self.0.map(|half| {
            let mut bytes = [0; HALF];
            // SAFETY: the machine has NEON, and these are 16 bytes that may be
            // written.
            unsafe { vst1q_u8(bytes.as_mut_ptr(), half) };
            bytes
        })
    }

    /// The lower halves of both, the first one's lower.
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
        /// Half the sums, rounded down.
        average: vhaddq_u8;
        and: vandq_u8;
        or: vorrq_u8;
        /// All ones where both are the same, otherwise zero.
        equal: vceqq_u8;
        /// All ones where this is less than `other`, otherwise zero; both
        /// [comparable](Register::comparable).
        is_below: vcltq_u8;
    }

    /// The bytes as numbers that [`Register::is_below`] compares.
    #[inline(always)]
    pub(crate) const fn comparable(self) -> Self {
        self
    }

    /// This where the mask is zero, `other` where it is all ones.
    #[inline(always)]
    pub(crate) fn or_where(self, mask: Self, other: Self) -> Self {
        let select = |half: usize| {
            // SAFETY: the machine has NEON, and that is all the intrinsic asks for.
            unsafe { vbslq_u8(mask.0[half], other.0[half], self.0[half]) }
        };
        Self([select(0), select(1)])
    }

    /// In each half the last pixel of `before`, then all but the last of this.
    /// `BPP`: bytes a pixel, 1 or 2.
    #[inline(always)]
    pub(crate) fn behind<const BPP: usize>(self, before: Self) -> Self {
        let shift = |half: usize| {
            // SAFETY: the machine has NEON, and that is all the intrinsic asks for.
            unsafe {
                if BPP == 1 {
                    vextq_u8::<15>(before.0[half], self.0[half])
                } else {
                    vextq_u8::<14>(before.0[half], self.0[half])
                }
            }
        };
        Self([shift(0), shift(1)])
    }

    /// In each half the bytes at these places of it, 0 to 15.
    #[inline(always)]
    pub(crate) fn at(self, places: &[u8; HALF]) -> Self {
        let [places, _] = Self::load([places, places]).0;
        // SAFETY: the machine has NEON, and that is all the intrinsic asks for.
        Self(self.0.map(|half| unsafe { vqtbl1q_u8(half, places) }))
    }

    /// In each half pixels of both in turn: of their first halves, and of their
    /// second.
    #[inline(always)]
    pub(crate) fn interleave<const BPP: usize>(self, other: Self) -> [Self; 2] {
        let first = |half: usize| {
            let (a, b) = (self.0[half], other.0[half]);
            // SAFETY: the machine has NEON, and that is all the intrinsics ask for.
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
            // SAFETY: the machine has NEON, and that is all the intrinsics ask for.
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

    /// The same: what AVX2 needs to be told, nobody has measured here.
    #[inline(always)]
    pub(crate) const fn computed(self) -> Self {
        self
    }
}

/// Sums in several lanes of 64 bits.
#[derive(Clone, Copy)]
pub(crate) struct Sums(uint64x2_t);

impl Sums {
    #[inline(always)]
    pub(crate) fn zero() -> Self {
        // SAFETY: the machine has NEON, and that is all the intrinsic asks for.
        Self(unsafe { vdupq_n_u64(0) })
    }

    /// Adds each byte.
    #[inline(always)]
    pub(crate) fn add(&mut self, bytes: Register) {
        for half in bytes.0 {
            // SAFETY: the machine has NEON, and that is all the intrinsics ask for.
            self.0 = unsafe { vpadalq_u32(self.0, vpaddlq_u16(vpaddlq_u8(half))) };
        }
    }

    /// Adds the square of each byte.
    #[inline(always)]
    pub(crate) fn add_squares(&mut self, registers: [Register; 4]) {
        // SAFETY: the machine has NEON, and that is all the intrinsics ask for.
        unsafe {
            // 32 x 255² at most in each lane.
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
        // SAFETY: the machine has NEON, and that is all the intrinsic asks for.
        unsafe { vaddvq_u64(self.0) }
    }
}
