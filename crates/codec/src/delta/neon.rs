//! Sums of samples with NEON. Tests compare them with the portable form, on aarch64
//! (`scripts/test-aarch64`).
//!
//! This module is compiled only for targets whose every processor has NEON
//! (`target_feature = "neon"`), so its functions may be called anywhere.
#![allow(unsafe_code, reason = "a call into NEON code, with its proof")]

use std::arch::aarch64::{
    uint8x16_t, vaddq_u8, vaddq_u16, vdupq_laneq_u8, vdupq_laneq_u16, vdupq_n_u8, vextq_u8,
    vreinterpretq_u8_u16, vreinterpretq_u16_u8,
};

use crate::simd::{load_neon, store_neon};

/// Replaces each sample in whole registers by the sum of all samples up to it, and returns
/// the number of bytes of these registers.
pub(super) fn sums<const BYTES: usize>(pixels: &mut [u8]) -> usize {
    // SAFETY: every processor of the target has NEON; the callee requires nothing else.
    unsafe { sums_neon::<BYTES>(pixels) }
}

#[target_feature(enable = "neon")]
fn sums_neon<const BYTES: usize>(pixels: &mut [u8]) -> usize {
    let (lines, rest) = pixels.as_chunks_mut::<16>();
    let rest = rest.len();
    let zero = vdupq_n_u8(0);
    // The sum of all samples so far, in each place.
    let mut before = zero;
    for line in lines {
        let mut sums = load_neon(line);
        if BYTES == 1 {
            sums = add::<BYTES>(sums, vextq_u8::<15>(zero, sums));
        }
        sums = add::<BYTES>(sums, vextq_u8::<14>(zero, sums));
        sums = add::<BYTES>(sums, vextq_u8::<12>(zero, sums));
        sums = add::<BYTES>(sums, vextq_u8::<8>(zero, sums));
        store_neon(add::<BYTES>(sums, before), line);
        before = add::<BYTES>(before, last::<BYTES>(sums));
    }
    pixels.len() - rest
}

/// Repeats the last sample of a register.
#[inline]
#[target_feature(enable = "neon")]
fn last<const BYTES: usize>(register: uint8x16_t) -> uint8x16_t {
    match BYTES {
        1 => vdupq_laneq_u8::<15>(register),
        _ => vreinterpretq_u8_u16(vdupq_laneq_u16::<7>(vreinterpretq_u16_u8(register))),
    }
}

/// Adds samples.
#[inline]
#[target_feature(enable = "neon")]
fn add<const BYTES: usize>(a: uint8x16_t, b: uint8x16_t) -> uint8x16_t {
    match BYTES {
        1 => vaddq_u8(a, b),
        _ => {
            let sum = vaddq_u16(vreinterpretq_u16_u8(a), vreinterpretq_u16_u8(b));
            vreinterpretq_u8_u16(sum)
        }
    }
}
