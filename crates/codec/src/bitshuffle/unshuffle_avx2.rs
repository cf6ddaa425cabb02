//! The inverse of bitshuffle with AVX2, and with GFNI where there is that: then one
//! instruction transposes the bits of four words.
//!
//! Tests compare both with the portable form.
#![allow(
    unsafe_code,
    reason = "calls into AVX2 and GFNI code, with their proofs"
)]
#![allow(
    clippy::indexing_slicing,
    reason = "positions come from the number of whole lines, which all planes have"
)]

use std::arch::x86_64::{
    __m256i, _mm256_and_si256, _mm256_gf2p8affine_epi64_epi8, _mm256_permute2x128_si256,
    _mm256_set1_epi64x, _mm256_setzero_si256, _mm256_slli_epi64, _mm256_srli_epi64,
    _mm256_unpackhi_epi8, _mm256_unpackhi_epi16, _mm256_unpackhi_epi32, _mm256_unpacklo_epi8,
    _mm256_unpacklo_epi16, _mm256_unpacklo_epi32, _mm256_xor_si256,
};

use rxrx_cpu::CpuLevel;

use super::tiles::Planes;
use crate::simd::{load_avx2, store_avx2};

/// Bytes of a register.
const LINE: usize = 32;

/// Puts together the samples of as many whole registers as the planes fill, and returns
/// how many bytes of each plane that takes. `None`, and nothing done, where the processor
/// lacks AVX2 or GFNI.
pub(super) fn with_gfni<const BYTES: usize>(
    planes: &[Planes<'_>; BYTES],
    block: &mut [u8],
) -> Option<usize> {
    // GFNI stands in the level of AVX-512, though its instruction has a form for AVX2.
    let able = CpuLevel::Avx512.is_allowed()
        && is_x86_feature_detected!("avx2")
        && is_x86_feature_detected!("gfni");
    // The instruction takes the rows of a matrix last first.
    let mut reversed = *planes;
    reversed.iter_mut().for_each(|planes| planes.reverse());
    // SAFETY: the processor has AVX2 and GFNI, as the line above found out; the callee
    // requires nothing else.
    able.then(|| unsafe { unshuffle_gfni(&reversed, block) })
}

/// Does the same with AVX2 alone.
pub(super) fn without_gfni<const BYTES: usize>(
    planes: &[Planes<'_>; BYTES],
    block: &mut [u8],
) -> Option<usize> {
    // SAFETY: the processor has AVX2, as the condition found out; the callee requires
    // nothing else.
    (CpuLevel::Avx2.is_allowed() && is_x86_feature_detected!("avx2"))
        .then(|| unsafe { unshuffle_avx2(planes, block) })
}

/// Defines the loop over registers. Closures and iterators would be functions without the
/// instructions, and calls of them.
macro_rules! define_unshuffle {
    ($name:ident, $features:literal, $transpose_bits:ident) => {
        #[target_feature(enable = $features)]
        fn $name<const BYTES: usize>(planes: &[Planes<'_>; BYTES], block: &mut [u8]) -> usize {
            let mut lines_of = [[&[] as &[[u8; LINE]]; 8]; BYTES];
            for (lines, planes) in lines_of.iter_mut().zip(planes) {
                for (lines, plane) in lines.iter_mut().zip(planes) {
                    *lines = plane.as_chunks().0;
                }
            }
            let (lines, _) = block.as_chunks_mut::<LINE>();
            let mut done = 0;
            for (at, lines) in lines.chunks_exact_mut(8 * BYTES).enumerate() {
                let mut words = [[_mm256_setzero_si256(); 8]; BYTES];
                for (words, planes) in words.iter_mut().zip(&lines_of) {
                    let mut rows = [_mm256_setzero_si256(); 8];
                    for (row, plane) in rows.iter_mut().zip(planes) {
                        *row = load_avx2(&plane[at]);
                    }
                    *words = transpose_bytes(rows);
                    for words in words {
                        *words = $transpose_bits(*words);
                    }
                }
                match words.as_slice() {
                    [low] => {
                        for (line, bytes) in lines.iter_mut().zip(low) {
                            store_avx2(*bytes, line);
                        }
                    }
                    [low, high] => {
                        let (lines, _) = lines.as_chunks_mut::<2>();
                        for ((line, low), high) in lines.iter_mut().zip(low).zip(high) {
                            let [begin, end] = interleave(*low, *high);
                            store_avx2(begin, &mut line[0]);
                            store_avx2(end, &mut line[1]);
                        }
                    }
                    // No array has such samples.
                    _ => break,
                }
                done = (at + 1) * LINE;
            }
            done
        }
    };
}

define_unshuffle!(unshuffle_gfni, "avx2,gfni", transpose_bits_gfni);
define_unshuffle!(unshuffle_avx2, "avx2", transpose_bits_avx2);

/// Transposes the 8 x 8 bits of each word, and reverses its bytes before.
#[inline]
#[target_feature(enable = "avx2,gfni")]
fn transpose_bits_gfni(words: __m256i) -> __m256i {
    /// Row k has bit k only. A row of the result is the sum of the rows of the matrix that
    /// the bits of this one choose: the matrix, transposed.
    const UNITS: i64 = i64::from_le_bytes([1, 2, 4, 8, 16, 32, 64, 128]);
    _mm256_gf2p8affine_epi64_epi8::<0>(_mm256_set1_epi64x(UNITS), words)
}

/// Transposes the 8 x 8 bits of each word.
#[inline]
#[target_feature(enable = "avx2")]
fn transpose_bits_avx2(words: __m256i) -> __m256i {
    let words = swap_corners::<7>(words, 0x00AA_00AA_00AA_00AA);
    let words = swap_corners::<14>(words, 0x0000_CCCC_0000_CCCC);
    swap_corners::<28>(words, 0x0000_0000_F0F0_F0F0)
}

/// Swaps the bits of each word that `corner` chooses with those `DISTANCE` above.
#[inline]
#[target_feature(enable = "avx2")]
fn swap_corners<const DISTANCE: i32>(words: __m256i, corner: i64) -> __m256i {
    let differ = _mm256_xor_si256(words, _mm256_srli_epi64::<DISTANCE>(words));
    let differ = _mm256_and_si256(differ, _mm256_set1_epi64x(corner));
    let both = _mm256_xor_si256(differ, _mm256_slli_epi64::<DISTANCE>(differ));
    _mm256_xor_si256(words, both)
}

/// Takes byte k of each of eight registers as word k: the words of the result follow each
/// other, four in a register.
#[inline]
#[target_feature(enable = "avx2")]
fn transpose_bytes(rows: [__m256i; 8]) -> [__m256i; 8] {
    let [r0, r1, r2, r3, r4, r5, r6, r7] = rows;
    // Each instruction takes the low or the high half of each half of a register.
    let a0 = _mm256_unpacklo_epi8(r0, r1);
    let a1 = _mm256_unpackhi_epi8(r0, r1);
    let b0 = _mm256_unpacklo_epi8(r2, r3);
    let b1 = _mm256_unpackhi_epi8(r2, r3);
    let c0 = _mm256_unpacklo_epi8(r4, r5);
    let c1 = _mm256_unpackhi_epi8(r4, r5);
    let d0 = _mm256_unpacklo_epi8(r6, r7);
    let d1 = _mm256_unpackhi_epi8(r6, r7);
    let e0 = _mm256_unpacklo_epi16(a0, b0);
    let e1 = _mm256_unpackhi_epi16(a0, b0);
    let e2 = _mm256_unpacklo_epi16(a1, b1);
    let e3 = _mm256_unpackhi_epi16(a1, b1);
    let f0 = _mm256_unpacklo_epi16(c0, d0);
    let f1 = _mm256_unpackhi_epi16(c0, d0);
    let f2 = _mm256_unpacklo_epi16(c1, d1);
    let f3 = _mm256_unpackhi_epi16(c1, d1);
    let g0 = _mm256_unpacklo_epi32(e0, f0);
    let g1 = _mm256_unpackhi_epi32(e0, f0);
    let g2 = _mm256_unpacklo_epi32(e1, f1);
    let g3 = _mm256_unpackhi_epi32(e1, f1);
    let g4 = _mm256_unpacklo_epi32(e2, f2);
    let g5 = _mm256_unpackhi_epi32(e2, f2);
    let g6 = _mm256_unpacklo_epi32(e3, f3);
    let g7 = _mm256_unpackhi_epi32(e3, f3);
    // The words of the low halves, then, 16 words further, those of the high halves.
    [
        _mm256_permute2x128_si256::<0x20>(g0, g1),
        _mm256_permute2x128_si256::<0x20>(g2, g3),
        _mm256_permute2x128_si256::<0x20>(g4, g5),
        _mm256_permute2x128_si256::<0x20>(g6, g7),
        _mm256_permute2x128_si256::<0x31>(g0, g1),
        _mm256_permute2x128_si256::<0x31>(g2, g3),
        _mm256_permute2x128_si256::<0x31>(g4, g5),
        _mm256_permute2x128_si256::<0x31>(g6, g7),
    ]
}

/// Puts a byte of `high` behind each byte of `low`.
#[inline]
#[target_feature(enable = "avx2")]
fn interleave(low: __m256i, high: __m256i) -> [__m256i; 2] {
    let a = _mm256_unpacklo_epi8(low, high);
    let b = _mm256_unpackhi_epi8(low, high);
    [
        _mm256_permute2x128_si256::<0x20>(a, b),
        _mm256_permute2x128_si256::<0x31>(a, b),
    ]
}
