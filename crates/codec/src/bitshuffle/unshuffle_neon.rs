//! The inverse of bitshuffle with NEON. Tests compare it with the portable form, on
//! aarch64 (`scripts/test-aarch64`).
//!
//! This module is compiled only for targets whose every processor has NEON
//! (`target_feature = "neon"`), so its functions may be called anywhere.
#![allow(unsafe_code, reason = "a call into NEON code, with its proof")]
#![allow(
    clippy::indexing_slicing,
    reason = "positions come from the number of whole lines, which all planes have"
)]

use std::arch::aarch64::{
    uint8x16_t, uint64x2_t, vandq_u64, vdupq_n_u64, veorq_u64, vreinterpretq_u8_u16,
    vreinterpretq_u8_u32, vreinterpretq_u8_u64, vreinterpretq_u16_u8, vreinterpretq_u32_u8,
    vreinterpretq_u64_u8, vshlq_n_u64, vshrq_n_u64, vzip1q_u8, vzip1q_u16, vzip1q_u32, vzip2q_u8,
    vzip2q_u16, vzip2q_u32,
};

use super::tiles::Planes;
use crate::simd::{load_neon, store_neon};

/// Bytes of a register.
const LINE: usize = 16;

/// Puts together the samples of as many whole registers as the planes fill, and returns
/// how many bytes of each plane that takes.
pub(super) fn unshuffle<const BYTES: usize>(
    planes: &[Planes<'_>; BYTES],
    block: &mut [u8],
) -> usize {
    // SAFETY: every processor of the target has NEON; the callee requires nothing else.
    unsafe { unshuffle_neon(planes, block) }
}

#[target_feature(enable = "neon")]
fn unshuffle_neon<const BYTES: usize>(planes: &[Planes<'_>; BYTES], block: &mut [u8]) -> usize {
    let planes = planes.map(|planes| planes.map(|plane| plane.as_chunks::<LINE>().0));
    let registers = |planes: &[&[[u8; LINE]]; 8], at: usize| {
        transpose_bytes(planes.map(|plane| load_neon(&plane[at])))
            .map(|bytes| transpose_bits(bytes))
    };
    let (lines, _) = block.as_chunks_mut::<LINE>();
    let mut done = 0;
    for (at, lines) in lines.chunks_exact_mut(8 * BYTES).enumerate() {
        match planes.as_slice() {
            [low] => {
                let lines = lines.iter_mut().zip(registers(low, at));
                lines.for_each(|(line, bytes)| store_neon(bytes, line));
            }
            [low, high] => {
                let pairs = registers(low, at).into_iter().zip(registers(high, at));
                let (lines, _) = lines.as_chunks_mut::<2>();
                for ([first, second], (low, high)) in lines.iter_mut().zip(pairs) {
                    store_neon(vzip1q_u8(low, high), first);
                    store_neon(vzip2q_u8(low, high), second);
                }
            }
            _ => break,
        }
        done = (at + 1) * LINE;
    }
    done
}

/// Takes byte k of each of eight registers as word k: the words of the result follow each
/// other, two in a register.
#[inline]
#[target_feature(enable = "neon")]
fn transpose_bytes(rows: [uint8x16_t; 8]) -> [uint8x16_t; 8] {
    let [r0, r1, r2, r3, r4, r5, r6, r7] = rows;
    let pairs = |a, b| [vzip1q_u8(a, b), vzip2q_u8(a, b)];
    let ([a0, a1], [b0, b1]) = (pairs(r0, r1), pairs(r2, r3));
    let ([c0, c1], [d0, d1]) = (pairs(r4, r5), pairs(r6, r7));
    let fours = |a, b| {
        let (a, b) = (vreinterpretq_u16_u8(a), vreinterpretq_u16_u8(b));
        [vzip1q_u16(a, b), vzip2q_u16(a, b)].map(|four| vreinterpretq_u8_u16(four))
    };
    let ([e0, e1], [e2, e3]) = (fours(a0, b0), fours(a1, b1));
    let ([f0, f1], [f2, f3]) = (fours(c0, d0), fours(c1, d1));
    let words = |e, f| {
        let (e, f) = (vreinterpretq_u32_u8(e), vreinterpretq_u32_u8(f));
        [vzip1q_u32(e, f), vzip2q_u32(e, f)].map(|word| vreinterpretq_u8_u32(word))
    };
    let ([w0, w1], [w2, w3]) = (words(e0, f0), words(e1, f1));
    let ([w4, w5], [w6, w7]) = (words(e2, f2), words(e3, f3));
    [w0, w1, w2, w3, w4, w5, w6, w7]
}

/// Transposes the 8 x 8 bits of each word.
#[inline]
#[target_feature(enable = "neon")]
fn transpose_bits(bytes: uint8x16_t) -> uint8x16_t {
    let words = vreinterpretq_u64_u8(bytes);
    let words = swap_corners::<7>(words, 0x00AA_00AA_00AA_00AA);
    let words = swap_corners::<14>(words, 0x0000_CCCC_0000_CCCC);
    vreinterpretq_u8_u64(swap_corners::<28>(words, 0x0000_0000_F0F0_F0F0))
}

/// Swaps the bits of each word that `corner` chooses with those `DISTANCE` above.
#[inline]
#[target_feature(enable = "neon")]
fn swap_corners<const DISTANCE: i32>(words: uint64x2_t, corner: u64) -> uint64x2_t {
    let differ = veorq_u64(words, vshrq_n_u64::<DISTANCE>(words));
    let differ = vandq_u64(differ, vdupq_n_u64(corner));
    veorq_u64(words, veorq_u64(differ, vshlq_n_u64::<DISTANCE>(differ)))
}
