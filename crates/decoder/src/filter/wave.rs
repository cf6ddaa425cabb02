//! Thirty-two rows at once, with AVX2.
//!
//! A pixel needs its left neighbour, so a row cannot be undone side by side;
//! but it needs nothing further right in the row above, so rows can be undone
//! together if each runs one pixel behind the one above it:
//!
//! ```text
//!            step t
//! row 0   0 1 2 3 4 5 ...      lane r of a register works on pixel t - r of
//! row 1     0 1 2 3 4 ...      row r: its left neighbour is the same lane one
//! row 2       0 1 2 3 ...      step ago, the one above is lane r - 1 one step
//! ...                          ago, and the corner is lane r - 1 two steps ago
//! ```
//!
//! Sixteen bytes make a *wave*: 16 rows of 8-bit pixels or 8 rows of 16-bit
//! ones. The lower half of a 256-bit register holds the *leading* wave, the
//! upper half the *trailing* one, the next rows below, two blocks behind so
//! that the last row of the leading wave is there when it is needed. A *block*
//! is what 16 bytes of every row make: they are loaded askew, transposed,
//! undone step by step in registers, transposed back and stored askew.
//!
//! Pixels left of a row count as zero by PNG's definition, and a lane that is
//! fed zeros in front of its row gives zeros; what lies right of a row never
//! reaches a pixel in it. So edges need no care but that of loads and stores.
#![allow(unsafe_code, reason = "AVX2 intrinsics; each block has its proof")]

use std::arch::x86_64::{
    __m256i, _mm_loadu_si128, _mm_storeu_si128, _mm256_add_epi8, _mm256_adds_epu8,
    _mm256_alignr_epi8, _mm256_and_si256, _mm256_avg_epu8, _mm256_blendv_epi8,
    _mm256_castsi256_si128, _mm256_cmpeq_epi8, _mm256_extracti128_si256, _mm256_max_epu8,
    _mm256_min_epu8, _mm256_or_si256, _mm256_set_m128i, _mm256_set1_epi8, _mm256_setzero_si256,
    _mm256_shuffle_epi8, _mm256_slli_si256, _mm256_sub_epi8, _mm256_subs_epu8,
    _mm256_unpackhi_epi8, _mm256_unpackhi_epi16, _mm256_unpacklo_epi8, _mm256_unpacklo_epi16,
    _mm256_xor_si256,
};

use super::{AVERAGE, PAETH, SUB, UP};

/// Bytes of one wave, and of one row in one block.
const BLOCK: usize = 16;
/// Blocks that the trailing wave is behind: its first row needs the pixels
/// above, which the leading wave's last lane has one block less one pixel
/// later than its first.
const LAG: usize = 2;

/// Undoes the filters of all rows, as [`super::unfilter_rows`] does; filter
/// bytes are 0 to 4. `false`, and nothing done, where the machine has no AVX2.
pub(super) fn unfilter<const BPP: usize>(
    filtered: &[u8],
    row_bytes: usize,
    plane: &mut [u8],
) -> bool {
    if !is_x86_feature_detected!("avx2") {
        return false;
    }
    // SAFETY: the machine has AVX2, which is all that the callees ask for.
    unsafe {
        match BPP {
            1 => unfilter_groups::<1, 16>(filtered, row_bytes, plane),
            2 => unfilter_groups::<2, 8>(filtered, row_bytes, plane),
            _ => return false,
        }
    }
    true
}

/// `ROWS`: rows of one wave, `BLOCK / BPP`.
#[target_feature(enable = "avx2")]
fn unfilter_groups<const BPP: usize, const ROWS: usize>(
    filtered: &[u8],
    row_bytes: usize,
    plane: &mut [u8],
) {
    let rows = plane.len() / row_bytes;
    for first in (0..rows).step_by(2 * ROWS) {
        let mut group = Group::<BPP, ROWS> {
            filtered,
            row_bytes,
            first,
            rows: rows.min(first + 2 * ROWS),
            filters: Filters::new::<BPP>(filtered, row_bytes, first, rows),
            left: _mm256_setzero_si256(),
            above: _mm256_setzero_si256(),
        };
        // The last row of a wave ends ROWS - 1 pixels after the first.
        let blocks = (row_bytes + (ROWS - 1) * BPP).div_ceil(BLOCK);
        for block in 0..blocks + LAG {
            group.advance(block, plane);
        }
    }
}

/// The filter of each lane's row, as masks.
struct Filters {
    all_paeth: bool,
    sub: __m256i,
    up: __m256i,
    average: __m256i,
    paeth: __m256i,
}

impl Filters {
    #[target_feature(enable = "avx2")]
    fn new<const BPP: usize>(filtered: &[u8], row_bytes: usize, first: usize, rows: usize) -> Self {
        let mut kinds = [[0; BLOCK]; 2];
        let lanes = kinds.as_flattened_mut();
        for (row, lane) in (first..rows).zip(lanes.chunks_exact_mut(BPP)) {
            lane.fill(filtered[row * (row_bytes + 1)]);
        }
        let all_paeth = lanes.iter().all(|filter| *filter == PAETH);
        let kinds = load([&kinds[0], &kinds[1]]);
        let mask = |filter: u8| _mm256_cmpeq_epi8(kinds, _mm256_set1_epi8(filter as i8));
        Self {
            all_paeth,
            sub: mask(SUB),
            up: mask(UP),
            average: mask(AVERAGE),
            paeth: mask(PAETH),
        }
    }
}

/// Two waves on their way through their rows.
struct Group<'a, const BPP: usize, const ROWS: usize> {
    filtered: &'a [u8],
    row_bytes: usize,
    /// First row of the leading wave.
    first: usize,
    /// One past the last row of the trailing wave that exists.
    rows: usize,
    filters: Filters,
    /// What each lane gave in the last step.
    left: __m256i,
    /// What lay above each lane's pixel in the last step.
    above: __m256i,
}

impl<const BPP: usize, const ROWS: usize> Group<'_, BPP, ROWS> {
    /// Undoes one block of the leading wave and one of the trailing.
    #[target_feature(enable = "avx2")]
    fn advance(&mut self, block: usize, plane: &mut [u8]) {
        let leading = (block * BLOCK) as isize;
        let trailing = leading - (LAG * BLOCK) as isize;

        let mut lanes = [_mm256_setzero_si256(); ROWS];
        for (lane, pixels) in lanes.iter_mut().enumerate() {
            let askew = (lane * BPP) as isize;
            *pixels = load([
                &self.source(self.first + lane, leading - askew),
                &self.source(self.first + ROWS + lane, trailing - askew),
            ]);
        }
        transpose::<ROWS>(&mut lanes);

        let first_above = load([
            &self.row_above(self.first, leading, plane),
            &self.row_above(self.first + ROWS, trailing, plane),
        ]);
        if self.filters.all_paeth {
            self.steps::<true>(&mut lanes, first_above);
        } else {
            self.steps::<false>(&mut lanes, first_above);
        }

        transpose::<ROWS>(&mut lanes);
        for (lane, pixels) in lanes.iter().enumerate() {
            let askew = (lane * BPP) as isize;
            let [lower, upper] = store(*pixels);
            self.put(self.first + lane, leading - askew, &lower, plane);
            self.put(self.first + ROWS + lane, trailing - askew, &upper, plane);
        }
    }

    /// One pixel of every lane for each register in `lanes`, in place.
    /// `first_above`: the pixels above each wave's first row in this block.
    #[target_feature(enable = "avx2")]
    fn steps<const ALL_PAETH: bool>(&mut self, lanes: &mut [__m256i; ROWS], first_above: __m256i) {
        let (mut left, mut corner) = (self.left, self.above);
        let mut incoming = reverse_pixels::<BPP>(first_above);
        for pixels in lanes {
            // Every lane gets what the lane before it gave, the first lane
            // gets the next pixel of the row above the wave.
            let above = if BPP == 1 {
                _mm256_alignr_epi8::<15>(left, incoming)
            } else {
                _mm256_alignr_epi8::<14>(left, incoming)
            };
            incoming = if BPP == 1 {
                _mm256_slli_si256::<1>(incoming)
            } else {
                _mm256_slli_si256::<2>(incoming)
            };
            let mut predicted = paeth(left, above, corner);
            if !ALL_PAETH {
                let one = _mm256_set1_epi8(1);
                // The intrinsic rounds up, PNG rounds down.
                let odd = _mm256_and_si256(_mm256_xor_si256(left, above), one);
                let average = _mm256_sub_epi8(_mm256_avg_epu8(left, above), odd);
                predicted = _mm256_or_si256(
                    _mm256_or_si256(
                        _mm256_and_si256(predicted, self.filters.paeth),
                        _mm256_and_si256(average, self.filters.average),
                    ),
                    _mm256_or_si256(
                        _mm256_and_si256(left, self.filters.sub),
                        _mm256_and_si256(above, self.filters.up),
                    ),
                );
            }
            corner = above;
            left = _mm256_add_epi8(*pixels, predicted);
            *pixels = left;
        }
        (self.left, self.above) = (left, corner);
    }

    /// Filtered bytes of a row from `column` (in bytes) on; zero where the row
    /// has none.
    #[inline(always)]
    fn source(&self, row: usize, column: isize) -> [u8; BLOCK] {
        if row >= self.rows {
            return [0; BLOCK];
        }
        let start = row * (self.row_bytes + 1) + 1;
        padded(&self.filtered[start..start + self.row_bytes], column)
    }

    /// Undone bytes of the row above `row`, zero above the first.
    #[inline(always)]
    fn row_above(&self, row: usize, column: isize, plane: &[u8]) -> [u8; BLOCK] {
        if row == 0 || row >= self.rows {
            return [0; BLOCK];
        }
        let end = row * self.row_bytes;
        padded(&plane[end - self.row_bytes..end], column)
    }

    /// Writes those of `bytes` that fall inside the row.
    #[inline(always)]
    fn put(&self, row: usize, column: isize, bytes: &[u8; BLOCK], plane: &mut [u8]) {
        if row >= self.rows {
            return;
        }
        let start = row * self.row_bytes;
        let target = &mut plane[start..start + self.row_bytes];
        if let Some(inside) = target
            .get_mut(column as usize..)
            .and_then(|target| target.first_chunk_mut())
        {
            *inside = *bytes;
            return;
        }
        for (column, byte) in (column..).zip(bytes) {
            if let Some(target) = target.get_mut(column as usize) {
                *target = *byte;
            }
        }
    }
}

/// Sixteen bytes of a row from `column` on, zero where the row has none. A
/// negative column is beyond any slice once it is an index.
#[inline(always)]
fn padded(row: &[u8], column: isize) -> [u8; BLOCK] {
    let inside = row.get(column as usize..).and_then(|row| row.first_chunk());
    inside.copied().unwrap_or_else(|| edge(row, column))
}

#[cold]
fn edge(row: &[u8], column: isize) -> [u8; BLOCK] {
    let mut block = [0; BLOCK];
    for (column, byte) in (column..).zip(&mut block) {
        *byte = row.get(column as usize).copied().unwrap_or(0);
    }
    block
}

/// [`super::predict`] for 32 bytes.
#[target_feature(enable = "avx2")]
fn paeth(left: __m256i, above: __m256i, corner: __m256i) -> __m256i {
    let low = _mm256_min_epu8(left, above);
    let high = _mm256_max_epu8(left, above);
    let over = _mm256_subs_epu8(high, corner);
    let under = _mm256_subs_epu8(corner, low);
    // Doubling saturates only where the other distance is below 128.
    let near_high = at_most(_mm256_adds_epu8(over, over), under);
    let near_low = at_most(_mm256_adds_epu8(under, under), over);
    let predicted = _mm256_blendv_epi8(corner, low, near_high);
    _mm256_blendv_epi8(predicted, high, near_low)
}

/// All ones in each byte of `a` that is not above that of `b`, unsigned.
#[target_feature(enable = "avx2")]
fn at_most(a: __m256i, b: __m256i) -> __m256i {
    _mm256_cmpeq_epi8(_mm256_max_epu8(a, b), b)
}

/// In each half, the first pixel last.
#[target_feature(enable = "avx2")]
fn reverse_pixels<const BPP: usize>(pixels: __m256i) -> __m256i {
    const BYTES: [u8; BLOCK] = [15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0];
    const WORDS: [u8; BLOCK] = [14, 15, 12, 13, 10, 11, 8, 9, 6, 7, 4, 5, 2, 3, 0, 1];
    let order = if BPP == 1 { &BYTES } else { &WORDS };
    _mm256_shuffle_epi8(pixels, load([order, order]))
}

/// Transposes the square of pixels in each half: 16 × 16 bytes or 8 × 8 words.
///
/// Interleaving register i with register i + ROWS / 2 turns the bits of
/// (register, position) round by one; after as many turns as a register's
/// number has bits, the two have changed places.
#[target_feature(enable = "avx2")]
fn transpose<const ROWS: usize>(registers: &mut [__m256i; ROWS]) {
    for _ in 0..ROWS.ilog2() {
        let before = *registers;
        for i in 0..ROWS / 2 {
            let (upper, lower) = (before[i], before[i + ROWS / 2]);
            (registers[2 * i], registers[2 * i + 1]) = if ROWS == 16 {
                (
                    _mm256_unpacklo_epi8(upper, lower),
                    _mm256_unpackhi_epi8(upper, lower),
                )
            } else {
                (
                    _mm256_unpacklo_epi16(upper, lower),
                    _mm256_unpackhi_epi16(upper, lower),
                )
            };
        }
    }
}

/// A register of two halves, the lower first.
#[target_feature(enable = "avx2")]
fn load([lower, upper]: [&[u8; BLOCK]; 2]) -> __m256i {
    // SAFETY: both references are to 16 readable bytes, and the instruction
    // asks for no alignment.
    unsafe {
        _mm256_set_m128i(
            _mm_loadu_si128(upper.as_ptr().cast()),
            _mm_loadu_si128(lower.as_ptr().cast()),
        )
    }
}

#[target_feature(enable = "avx2")]
fn store(register: __m256i) -> [[u8; BLOCK]; 2] {
    let mut halves = [[0; BLOCK]; 2];
    let [lower, upper] = &mut halves;
    // SAFETY: both references are to 16 writable bytes, and the instruction
    // asks for no alignment.
    unsafe {
        _mm_storeu_si128(lower.as_mut_ptr().cast(), _mm256_castsi256_si128(register));
        _mm_storeu_si128(
            upper.as_mut_ptr().cast(),
            _mm256_extracti128_si256::<1>(register),
        );
    }
    halves
}
