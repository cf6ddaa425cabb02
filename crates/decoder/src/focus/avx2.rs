//! Sums of the Laplacian's squares with AVX2. For bytes it uses intrinsics, because the
//! compiler's own code takes twice as long. For words it lets the compiler use AVX2.
#![allow(unsafe_code, reason = "AVX2 intrinsics; each block has its proof")]
#![allow(
    clippy::indexing_slicing,
    reason = "the pixels left over at the end of a row are fewer than a block has"
)]

use std::arch::x86_64::{
    __m256i, _mm256_add_epi16, _mm256_add_epi32, _mm256_add_epi64, _mm256_and_si256,
    _mm256_extract_epi64, _mm256_loadu_si256, _mm256_madd_epi16, _mm256_maddubs_epi16,
    _mm256_set1_epi16, _mm256_setzero_si256, _mm256_unpackhi_epi8, _mm256_unpackhi_epi32,
    _mm256_unpacklo_epi8, _mm256_unpacklo_epi32,
};

use super::portable::{self, MAX_ADDENDS, inner_rows};
use crate::simd::is_available;

/// Bytes of a register.
const BLOCK: usize = 32;

/// Sums like [`portable::squares_of_bytes`]. `None` if the processor has no AVX2 or the rows
/// are too short.
pub(super) fn squares_of_bytes(plane: &[u8], width: usize) -> Option<u128> {
    if !is_available() || width < BLOCK + 2 {
        return None;
    }
    // SAFETY: the processor has AVX2, as `is_available` has found out, and the callee needs
    // nothing else.
    Some(unsafe { bytes(plane, width) })
}

/// Sums like [`portable::squares_of_words`]. `None` if the processor has no AVX2.
pub(super) fn squares_of_words(samples: &[[u8; 2]], width: usize) -> Option<u128> {
    if !is_available() {
        return None;
    }
    // SAFETY: the processor has AVX2, as `is_available` has found out, and the callee needs
    // nothing else.
    Some(unsafe { words(samples, width) })
}

#[target_feature(enable = "avx2")]
fn bytes(plane: &[u8], width: usize) -> u128 {
    let mut total = _mm256_setzero_si256();
    // The pixels at the end of a row that fill no block are the last ones of a block that
    // ends with the row.
    let left_over = (width - 2) % BLOCK;
    let mut last = [0; BLOCK];
    last[BLOCK - left_over..].fill(0xFF);
    let last = load(&last);
    // Written out: `map` of an array is not compiled for AVX2, and would be a call.
    for [above, left, here, right, below] in inner_rows(plane, width) {
        let parts = blocks_of(above).zip(blocks_of(left)).zip(blocks_of(here));
        let parts = parts.zip(blocks_of(right)).zip(blocks_of(below));
        for ((((above, left), here), right), below) in parts {
            let mut squares = _mm256_setzero_si256();
            let blocks = above.iter().zip(left).zip(here).zip(right).zip(below);
            for ((((above, left), here), right), below) in blocks {
                let block = [
                    load(above),
                    load(left),
                    load(here),
                    load(right),
                    load(below),
                ];
                squares = _mm256_add_epi32(squares, squares_of_block(block));
            }
            total = add_wide(total, squares);
        }
        if left_over > 0 {
            let block = [
                load_last(above, last),
                load_last(left, last),
                load_last(here, last),
                load_last(right, last),
                load_last(below, last),
            ];
            total = add_wide(total, squares_of_block(block));
        }
    }
    [
        _mm256_extract_epi64::<0>(total),
        _mm256_extract_epi64::<1>(total),
        _mm256_extract_epi64::<2>(total),
        _mm256_extract_epi64::<3>(total),
    ]
    .map(|sum| u128::from(sum.cast_unsigned()))
    .iter()
    .sum()
}

/// The blocks of a row, in groups whose sum fits 32 bits.
fn blocks_of(row: &[u8]) -> impl Iterator<Item = &[[u8; BLOCK]]> {
    row.as_chunks().0.chunks(MAX_ADDENDS / BLOCK)
}

/// Loads the last block of a row and keeps the pixels in `mask`, which are in no other
/// block.
#[inline]
#[target_feature(enable = "avx2")]
fn load_last(row: &[u8], mask: __m256i) -> __m256i {
    match row.last_chunk() {
        Some(block) => _mm256_and_si256(load(block), mask),
        None => _mm256_setzero_si256(),
    }
}

/// Sums the squares of the Laplacian of 32 pixels, four in each of the eight 32-bit sums.
#[inline]
#[target_feature(enable = "avx2")]
fn squares_of_block([above, left, here, right, below]: [__m256i; 5]) -> __m256i {
    let zero = _mm256_setzero_si256();
    // Weights of two neighbouring bytes.
    let both = _mm256_set1_epi16(0x01_01);
    let less_four = _mm256_set1_epi16(i16::from_le_bytes([1, 4_u8.wrapping_neg()]));
    let square = |column, row, rest| {
        let column = _mm256_maddubs_epi16(column, both);
        let row = _mm256_maddubs_epi16(row, less_four);
        let laplacian = _mm256_add_epi16(_mm256_add_epi16(column, row), rest);
        _mm256_madd_epi16(laplacian, laplacian)
    };
    _mm256_add_epi32(
        square(
            _mm256_unpacklo_epi8(above, below),
            _mm256_unpacklo_epi8(left, here),
            _mm256_unpacklo_epi8(right, zero),
        ),
        square(
            _mm256_unpackhi_epi8(above, below),
            _mm256_unpackhi_epi8(left, here),
            _mm256_unpackhi_epi8(right, zero),
        ),
    )
}

/// Adds eight sums of 32 bits, which are not negative, to four sums of 64 bits.
#[inline]
#[target_feature(enable = "avx2")]
fn add_wide(total: __m256i, sums: __m256i) -> __m256i {
    let zero = _mm256_setzero_si256();
    let low = _mm256_add_epi64(total, _mm256_unpacklo_epi32(sums, zero));
    _mm256_add_epi64(low, _mm256_unpackhi_epi32(sums, zero))
}

#[inline]
#[target_feature(enable = "avx2")]
fn load(bytes: &[u8; BLOCK]) -> __m256i {
    // SAFETY: the reference is to 32 readable bytes, and the instruction needs no
    // alignment.
    unsafe { _mm256_loadu_si256(bytes.as_ptr().cast()) }
}

#[target_feature(enable = "avx2")]
fn words(samples: &[[u8; 2]], width: usize) -> u128 {
    portable::squares_of_words(samples, width)
}
