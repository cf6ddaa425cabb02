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
//!
//! There is no such thing for AVX-512: with four waves a register the steps
//! took as long again (Zen 4), and the work around them no less.

use std::arch::x86_64::{
    __m256i, _mm256_add_epi8, _mm256_alignr_epi8, _mm256_and_si256, _mm256_avg_epu8,
    _mm256_blendv_epi8, _mm256_castsi256_si128, _mm256_cmpeq_epi8, _mm256_inserti128_si256,
    _mm256_max_epu8, _mm256_min_epu8, _mm256_or_si256, _mm256_set1_epi8, _mm256_setzero_si256,
    _mm256_shuffle_epi8, _mm256_slli_si256, _mm256_sub_epi8, _mm256_unpackhi_epi8,
    _mm256_unpackhi_epi16, _mm256_unpacklo_epi8, _mm256_unpacklo_epi16, _mm256_xor_si256,
};

use super::avx2::{BLOCK, Lanes, LanesMut, Tile, computed, load, load_lanes, store_lanes};
use super::{AVERAGE, PAETH, SUB, UP};
use crate::histogram::{AT_ONCE, ByteTally};

/// Blocks that the trailing wave is behind: its first row needs the pixels
/// above, which the leading wave's last lane has one block less one pixel
/// later than its first.
const LAG: usize = 2;

/// Undoes the filters of all rows, whose filter bytes are 0 to 4. `ROWS`: rows
/// of one wave, `BLOCK / BPP`. 8-bit pixels are counted on the way, where there
/// is a tally: returns how many, from the start of the plane.
#[target_feature(enable = "avx2")]
pub(super) fn unfilter_groups<const BPP: usize, const ROWS: usize>(
    filtered: &[u8],
    row_bytes: usize,
    plane: &mut [u8],
    mut tally: Option<&mut ByteTally>,
) -> usize {
    let mut counted = 0;
    let rows = plane.len() / row_bytes;
    let mut tiles = [[[0; BLOCK]; ROWS]; 2];
    for first in (0..rows).step_by(2 * ROWS) {
        let mut group = Group::<BPP, ROWS> {
            filtered,
            row_bytes,
            first,
            rows: rows.min(first + 2 * ROWS),
            filters: Filters::new::<BPP>(filtered, row_bytes, first, rows),
            left: _mm256_setzero_si256(),
            above: _mm256_setzero_si256(),
            last_row: _mm256_setzero_si256(),
            handed_down: _mm256_setzero_si256(),
            counted,
        };
        // The last row of a wave ends ROWS - 1 pixels after the first.
        let blocks = (row_bytes + (ROWS - 1) * BPP).div_ceil(BLOCK);
        for block in 0..blocks + LAG {
            group.advance(block, &mut tiles, plane, tally.as_deref_mut());
        }
        counted = group.counted;
    }
    counted
}

/// The filter of each lane's row, as masks for its neighbours: Paeth's
/// prediction from left, zero and zero is left, and likewise from above, so
/// that one formula serves every filter but Average.
struct Filters {
    any_average: bool,
    all_paeth: bool,
    average: __m256i,
    left: __m256i,
    above: __m256i,
    corner: __m256i,
}

impl Filters {
    #[target_feature(enable = "avx2")]
    fn new<const BPP: usize>(filtered: &[u8], row_bytes: usize, first: usize, rows: usize) -> Self {
        let mut kinds = [[0; BLOCK]; 2];
        let lanes = kinds.as_flattened_mut();
        for (row, lane) in (first..rows).zip(lanes.chunks_exact_mut(BPP)) {
            lane.fill(match filtered[row * (row_bytes + 1)] {
                // Above the first row lies zero, and Paeth of (left, 0, 0) is left.
                SUB if row == 0 => PAETH,
                filter => filter,
            });
        }
        let any_average = lanes.contains(&AVERAGE);
        let all_paeth = lanes.iter().all(|filter| *filter == PAETH);
        let kinds = load([&kinds[0], &kinds[1]]);
        let mask = |filter: u8| _mm256_cmpeq_epi8(kinds, _mm256_set1_epi8(filter as i8));
        let paeth = mask(PAETH);
        Self {
            any_average,
            all_paeth,
            average: mask(AVERAGE),
            left: _mm256_or_si256(mask(SUB), paeth),
            above: _mm256_or_si256(mask(UP), paeth),
            corner: paeth,
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
    /// In the lower half, the last block of the leading wave's last row.
    last_row: __m256i,
    /// In the lower half, what lies above the trailing wave's next block.
    handed_down: __m256i,
    /// Bytes of the plane that have been counted.
    counted: usize,
}

impl<const BPP: usize, const ROWS: usize> Group<'_, BPP, ROWS> {
    /// Undoes one block of the leading wave and one of the trailing.
    #[target_feature(enable = "avx2")]
    fn advance(
        &mut self,
        block: usize,
        tiles: &mut [Tile<ROWS>; 2],
        plane: &mut [u8],
        tally: Option<&mut ByteTally>,
    ) {
        let leading = (block * BLOCK) as isize;
        let trailing = leading - (LAG * BLOCK) as isize;
        let leading = self.place(self.first, leading);
        let trailing = self.place(self.first + ROWS, trailing);

        let [tile, other] = tiles;
        let mut lanes = load_lanes([self.source(leading, tile), self.source(trailing, other)]);
        if leading.begins || trailing.begins {
            clear_left::<BPP, ROWS>(&mut lanes, [leading.begins, trailing.begins]);
        }
        if BPP == 2 {
            for lane in &mut lanes {
                *lane = swap_bytes(*lane);
            }
        }
        transpose::<ROWS>(&mut lanes);

        let row_above = self.row_above(leading, plane);
        let first_above = _mm256_inserti128_si256::<1>(
            load([&row_above, &row_above]),
            _mm256_castsi256_si128(self.handed_down),
        );
        let count = tally.filter(|_| BPP == 1).and_then(|tally| {
            let undone = (self.first * self.row_bytes).min(ByteTally::MOST);
            let bytes = plane[self.counted..undone].as_chunks().0.first_chunk()?;
            Some((tally, bytes))
        });
        if self.filters.all_paeth {
            self.steps::<false, false>(&mut lanes, first_above, count);
        } else if self.filters.any_average {
            self.steps::<true, true>(&mut lanes, first_above, count);
        } else {
            self.steps::<true, false>(&mut lanes, first_above, count);
        }

        transpose::<ROWS>(&mut lanes);
        let last_row = lanes[ROWS - 1];
        self.handed_down = if BPP == 1 {
            _mm256_alignr_epi8::<15>(last_row, self.last_row)
        } else {
            _mm256_alignr_epi8::<14>(last_row, self.last_row)
        };
        self.last_row = last_row;
        self.put::<false>(leading, &lanes, plane);
        self.put::<true>(trailing, &lanes, plane);
    }

    /// One pixel of every lane for each register in `lanes`, in place.
    /// `first_above`: the pixels above each wave's first row in this block.
    /// `count`: bytes of rows further up, and where to count them. Each step waits
    /// for the one before it; counting fills the wait.
    #[target_feature(enable = "avx2")]
    fn steps<const MIXED: bool, const AVERAGE: bool>(
        &mut self,
        lanes: &mut [__m256i; ROWS],
        first_above: __m256i,
        mut count: Option<(&mut ByteTally, &[[u8; AT_ONCE]; ROWS])>,
    ) {
        let (mut left, mut corner) = (self.left, self.above);
        let mut incoming = reverse_pixels::<BPP>(first_above);
        for (step, pixels) in lanes.iter_mut().enumerate() {
            if let Some((tally, bytes)) = &mut count {
                tally.add(&bytes[step]);
            }
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
            let mut residual = *pixels;
            if AVERAGE {
                let one = _mm256_set1_epi8(1);
                // The intrinsic rounds up, PNG rounds down.
                let odd = _mm256_and_si256(_mm256_xor_si256(left, above), one);
                let average = _mm256_sub_epi8(_mm256_avg_epu8(left, above), odd);
                let average = _mm256_and_si256(average, self.filters.average);
                residual = _mm256_add_epi8(residual, average);
            }
            left = if MIXED {
                add_paeth(
                    residual,
                    _mm256_and_si256(left, self.filters.left),
                    _mm256_and_si256(above, self.filters.above),
                    _mm256_and_si256(corner, self.filters.corner),
                )
            } else {
                add_paeth(residual, left, above, corner)
            };
            corner = above;
            *pixels = left;
        }
        if count.is_some() {
            self.counted += ROWS * AT_ONCE;
        }
        (self.left, self.above) = (left, corner);
    }

    fn place(&self, first: usize, column: isize) -> Place {
        let last_lane = ((ROWS - 1) * BPP) as isize;
        let (block, row_bytes) = (BLOCK as isize, self.row_bytes as isize);
        let begins = column == 0 && row_bytes >= 2 * block;
        Place {
            first,
            column,
            whole: first + ROWS <= self.rows,
            left_edge: column < last_lane && !begins,
            begins,
            right_edge: column + block > row_bytes,
            outside: first >= self.rows || column <= -block || column - last_lane >= row_bytes,
        }
    }

    /// Filtered bytes of a wave, where they are or, at the picture's edges,
    /// copied into `tile`, which is zero outside.
    #[inline(always)]
    fn source<'t>(&'t self, place: Place, tile: &'t mut Tile<ROWS>) -> Lanes<'t, ROWS> {
        // What is read right of a row never reaches a pixel in it.
        if place.whole && !place.left_edge {
            let at = place.first * (self.row_bytes + 1) + 1 + place.column as usize;
            let stride = self.row_bytes + 1 - BPP;
            let lanes = self.filtered.get(at..);
            if let Some(lanes) = lanes.and_then(|bytes| Lanes::new(bytes, stride)) {
                return lanes;
            }
        }
        *tile = [[0; BLOCK]; ROWS];
        if !place.outside {
            self.fill_edges(place, tile);
        }
        Lanes::tile(tile)
    }

    #[cold]
    fn fill_edges(&self, place: Place, tile: &mut Tile<ROWS>) {
        for (lane, bytes) in tile.iter_mut().enumerate() {
            let row = place.first + lane;
            if row < self.rows {
                let start = row * (self.row_bytes + 1) + 1;
                let row = &self.filtered[start..start + self.row_bytes];
                copy_part(row, place.column - (lane * BPP) as isize, bytes);
            }
        }
    }

    /// Writes what one of the two waves has inside the picture.
    #[target_feature(enable = "avx2")]
    fn put<const TRAILING: bool>(&self, place: Place, lanes: &[__m256i; ROWS], plane: &mut [u8]) {
        if place.outside {
            return;
        }
        if place.whole && !place.left_edge && !place.right_edge {
            let at = place.first * self.row_bytes + place.column as usize;
            let stride = self.row_bytes - BPP;
            let target = plane.get_mut(at..);
            if let Some(target) = target.and_then(|bytes| LanesMut::new(bytes, stride)) {
                store_lanes::<ROWS, TRAILING>(lanes, target);
                return;
            }
        }
        let mut tile = [[0; BLOCK]; ROWS];
        store_lanes::<ROWS, TRAILING>(lanes, LanesMut::tile(&mut tile));
        self.put_edges(place, &tile, plane);
    }

    #[cold]
    fn put_edges(&self, place: Place, tile: &Tile<ROWS>, plane: &mut [u8]) {
        for (lane, bytes) in tile.iter().enumerate() {
            let row = place.first + lane;
            if row < self.rows {
                let start = row * self.row_bytes;
                let target = &mut plane[start..start + self.row_bytes];
                let column = place.column - (lane * BPP) as isize;
                let [from, to, skip] = overlap(column, target.len());
                target[from..to].copy_from_slice(&bytes[skip..skip + to - from]);
            }
        }
    }

    /// Undone bytes above a wave's first row, zero above the picture.
    #[inline(always)]
    fn row_above(&self, place: Place, plane: &[u8]) -> [u8; BLOCK] {
        let mut bytes = [0; BLOCK];
        if (1..self.rows).contains(&place.first) {
            let end = place.first * self.row_bytes;
            copy_part(&plane[end - self.row_bytes..end], place.column, &mut bytes);
        }
        bytes
    }
}

/// Where a wave is: its first row, and that row's column in bytes.
#[derive(Clone, Copy)]
struct Place {
    first: usize,
    column: isize,
    /// All its rows exist.
    whole: bool,
    /// A row begins within the block, or behind it, and `begins` is not so.
    left_edge: bool,
    /// All rows begin in this block, and end in later ones. What lies left of
    /// a row may be read, if it is then made zero; and be written, because it
    /// is the end of the row above, which this wave is yet to write.
    begins: bool,
    /// A row ends within the block, or in front of it.
    right_edge: bool,
    /// Nothing of it lies in any row.
    outside: bool,
}

/// The part of a row of `length` bytes that the block at `column` covers, from
/// and to, and how much of the block lies in front of it.
#[inline(always)]
fn overlap(column: isize, length: usize) -> [usize; 3] {
    let end = (column + BLOCK as isize).max(0) as usize;
    let from = (column.max(0) as usize).min(length);
    let to = end.min(length).max(from);
    [from, to, from.saturating_add_signed(-column).min(BLOCK)]
}

/// Copies what the row has from `column` on, leaving the rest of `block`.
#[inline(always)]
fn copy_part(row: &[u8], column: isize, block: &mut [u8; BLOCK]) {
    // A negative column is beyond any slice once it is an index.
    if let Some(inside) = row.get(column as usize..).and_then(|row| row.first_chunk()) {
        *block = *inside;
        return;
    }
    let [from, to, skip] = overlap(column, row.len());
    block[skip..skip + to - from].copy_from_slice(&row[from..to]);
}

/// `residual` plus [`super::predict`], for 32 bytes.
///
/// The next step waits for this one, so what counts is how many instructions lie
/// between `above`, which is there last, and the sum: each candidate is added
/// before it is known which one it is, and nothing saturates, for that takes twice
/// as long as the maximum that does the same.
#[target_feature(enable = "avx2")]
fn add_paeth(residual: __m256i, left: __m256i, above: __m256i, corner: __m256i) -> __m256i {
    let low = _mm256_min_epu8(left, above);
    let high = _mm256_max_epu8(left, above);
    let highest = _mm256_max_epu8(left, corner);
    let highest = computed(_mm256_max_epu8(highest, above));
    let lowest = _mm256_min_epu8(left, corner);
    let lowest = computed(_mm256_min_epu8(lowest, above));
    let over = _mm256_sub_epi8(highest, corner);
    let under = _mm256_sub_epi8(corner, lowest);
    // Together the distances are 255 at most: where doubling one of them
    // overflows, it is larger than the other, which is all that is asked.
    let larger = _mm256_max_epu8(over, under);
    let twice = |distance| _mm256_max_epu8(_mm256_add_epi8(distance, distance), larger);
    let near_high = _mm256_cmpeq_epi8(twice(over), under);
    let near_low = _mm256_cmpeq_epi8(twice(under), over);
    let from_corner = computed(_mm256_add_epi8(residual, corner));
    let from_low = computed(_mm256_add_epi8(residual, low));
    let from_high = computed(_mm256_add_epi8(residual, high));
    let sum = _mm256_blendv_epi8(from_corner, from_low, near_high);
    _mm256_blendv_epi8(sum, from_high, near_low)
}

/// Makes zero what lies left of the rows that begin in the lower or upper half.
#[target_feature(enable = "avx2")]
fn clear_left<const BPP: usize, const ROWS: usize>(lanes: &mut [__m256i; ROWS], halves: [bool; 2]) {
    const EDGE: [u8; 2 * BLOCK] = {
        let mut edge = [0; 2 * BLOCK];
        edge.split_at_mut(BLOCK).1.copy_from_slice(&[0xFF; BLOCK]);
        edge
    };
    for (lane, pixels) in lanes.iter_mut().enumerate() {
        let inside = |begins| {
            let from = if begins { BLOCK - lane * BPP } else { BLOCK };
            EDGE[from..].first_chunk().unwrap_or(&[0; BLOCK])
        };
        *pixels = _mm256_and_si256(*pixels, load(halves.map(inside)));
    }
}

/// Big-endian words made little-endian.
#[target_feature(enable = "avx2")]
fn swap_bytes(words: __m256i) -> __m256i {
    const ORDER: [u8; BLOCK] = [1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14];
    _mm256_shuffle_epi8(words, load([&ORDER, &ORDER]))
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
