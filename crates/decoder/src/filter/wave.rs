//! Undoes the filters of 32 rows at a time.
//!
//! A pixel needs its left neighbour, so the pixels of one row cannot be computed at
//! the same time. But a pixel needs nothing to the right of it in the row above. So
//! several rows are computed at the same time, each one pixel behind the row above it:
//!
//! ```text
//!            step t
//! row 0   0 1 2 3 4 5 ...      Lane r works on pixel t - r of row r. Its left
//! row 1     0 1 2 3 4 ...      neighbour is the result of lane r one step ago, the
//! row 2       0 1 2 3 ...      pixel above is that of lane r - 1 one step ago, and
//! ...                          the corner is that of lane r - 1 two steps ago.
//! ```
//!
//! - A *wave* is 16 rows of 8-bit pixels or 8 rows of 16-bit pixels. The lower half of
//!   a register holds the *leading* wave, the upper half the *trailing* wave, which has
//!   the next rows below.
//! - A *block* is 16 bytes of each row of a wave. In the image it is a parallelogram,
//!   because each row is one pixel behind the row above. It is loaded, transposed,
//!   computed step by step, transposed back and stored.
//! - A *round* computes one block of each wave. [`super::schedule`] says which.
//! - A *step* computes one pixel of each row.
//!
//! Each step waits for the one before it, and the steps of one block alone would leave
//! the processor idle. So each step also does a share of the transpositions of two other
//! blocks, and in each round three blocks are at work:
//!
//! ```text
//! round t   block t + 1            block t        block t - 1
//!           loaded, transposed     computed       transposed back, stored
//! ```
//!
//! PNG defines the pixels left of a row as zero. A lane that gets zeros in front of its
//! row computes zeros there, so the left edge needs no care but in loads and stores.
//! Pixels right of a row never have an influence on pixels inside it.
#![allow(
    clippy::indexing_slicing,
    reason = "registers and shares are indexed below their number, rows by what `Schedule::rows_of` gives"
)]

use super::filter_type::{AVERAGE, PAETH, SUB, UP};
use super::lanes::{BLOCK, Lanes, LanesMut, Tile, load_lanes, store_first_bytes, store_lanes};
use super::schedule::{Position, Schedule, copy_overlap, overlap};
use super::transposition::Transposition;
use crate::simd::{HALF, U8x32};

/// Undoes the filters of all rows, whose filter bytes are 0 to 4. `BPP` is the number of
/// bytes a pixel has, `ROWS` the number of rows in a wave, `BLOCK / BPP`.
#[cfg_attr(target_arch = "x86_64", target_feature(enable = "avx2"))]
pub(super) fn unfilter_waves<const BPP: usize, const ROWS: usize>(
    filtered: &[u8],
    row_bytes: usize,
    plane: &mut [u8],
) {
    let schedule = Schedule::new::<BPP, ROWS>(row_bytes, plane.len() / row_bytes);
    let mut waves = Waves::<BPP, ROWS> {
        filtered,
        schedule,
        filters: Filters::new::<BPP, ROWS>(filtered, schedule, schedule.positions(0)),
        left: U8x32::zero(),
        above: U8x32::zero(),
        last_row: U8x32::zero(),
        handed_down: U8x32::zero(),
        next: Transposition::new(),
        former: Transposition::new(),
        tiles: [[[0; BLOCK]; ROWS]; 2],
    };
    let mut former = schedule.positions(-2);
    let mut current = schedule.positions(-1);
    let mut next = schedule.positions(0);
    for _ in 0..schedule.rounds() + 2 {
        waves.advance([former, current, next], plane);
        for positions in [&mut former, &mut current, &mut next] {
            schedule.advance(positions);
        }
    }
}

/// The filter of each lane's row, as masks of its neighbours.
///
/// The Paeth predictor of (left, 0, 0) is left, and that of (0, above, 0) is above. So
/// with some neighbours masked out, its formula serves every filter but Average.
struct Filters {
    /// Whether a lane has the filter Average.
    any_average: bool,
    /// Whether all lanes have the filter Paeth, so that no mask is needed.
    all_paeth: bool,
    /// Lanes with the filter Average.
    average: U8x32,
    /// Lanes whose predictor uses the left neighbour.
    left: U8x32,
    /// Lanes whose predictor uses the neighbour above.
    above: U8x32,
    /// Lanes whose predictor uses the corner.
    corner: U8x32,
}

impl Filters {
    /// Reads the filter bytes of both waves' rows.
    #[cfg_attr(target_arch = "x86_64", target_feature(enable = "avx2"))]
    fn new<const BPP: usize, const ROWS: usize>(
        filtered: &[u8],
        schedule: Schedule,
        positions: [Position; 2],
    ) -> Self {
        // Rows below the image may have any filter.
        let mut kinds = [[PAETH; HALF]; 2];
        for (position, lanes) in positions.into_iter().zip(&mut kinds) {
            let rows = schedule.rows_of(position);
            for (row, lane) in rows.zip(lanes.chunks_exact_mut(BPP)) {
                lane.fill(match filtered[row * (schedule.row_bytes + 1)] {
                    // The row above the first is zero, and the Paeth predictor of
                    // (left, 0, 0) is left.
                    SUB if row == 0 => PAETH,
                    filter => filter,
                });
            }
        }
        let lanes = kinds.as_flattened();
        let any_average = lanes.contains(&AVERAGE);
        let all_paeth = lanes.iter().all(|filter| *filter == PAETH);
        let kinds = U8x32::load(kinds.each_ref());
        let mask = |filter: u8| kinds.equal(U8x32::splat(filter));
        let paeth = mask(PAETH);
        Self {
            any_average,
            all_paeth,
            average: mask(AVERAGE),
            left: mask(SUB).or(paeth),
            above: mask(UP).or(paeth),
            corner: paeth,
        }
    }
}

/// The state of both waves.
struct Waves<'a, const BPP: usize, const ROWS: usize> {
    filtered: &'a [u8],
    schedule: Schedule,
    filters: Filters,
    /// The result of each lane in the last step.
    left: U8x32,
    /// The pixel above that of each lane in the last step.
    above: U8x32,
    /// In the lower half, the newest block of the leading wave's last row.
    last_row: U8x32,
    /// In the lower half, the pixels above the trailing wave's next block.
    handed_down: U8x32,
    /// Transposes filtered rows for the steps. Its output is this block while its input
    /// is the next one.
    next: Transposition<BPP, ROWS>,
    /// Transposes results of the steps back to rows. Its input is this block while its
    /// output is the former one.
    former: Transposition<BPP, ROWS>,
    /// Memory for blocks that are not wholly inside the image.
    tiles: [Tile<ROWS>; 2],
}

impl<const BPP: usize, const ROWS: usize> Waves<'_, BPP, ROWS> {
    /// Computes the current block of each wave, loads the next one and stores the former one.
    #[cfg_attr(target_arch = "x86_64", target_feature(enable = "avx2"))]
    fn advance(&mut self, [former, current, next]: [[Position; 2]; 3], plane: &mut [u8]) {
        self.load(next);
        if current[0].column == 0 || current[1].column == 0 {
            self.begin(current);
        }
        let row_above = self.row_above(current[0], plane);
        let row_above = U8x32::load([&row_above, &row_above]);
        let first_above = row_above.lower_halves(self.handed_down);
        if self.filters.all_paeth {
            self.steps::<false, false>(first_above);
        } else if self.filters.any_average {
            self.steps::<true, true>(first_above);
        } else {
            self.steps::<true, false>(first_above);
        }
        let lanes = self.former.output();
        let last_row = lanes[ROWS - 1];
        self.handed_down = last_row.shift_in::<BPP>(self.last_row);
        self.last_row = last_row;
        self.store::<false>(former[0], lanes, plane);
        self.store::<true>(former[1], lanes, plane);
    }

    /// Loads a block of each wave for transposition.
    #[inline]
    #[cfg_attr(target_arch = "x86_64", target_feature(enable = "avx2"))]
    fn load(&mut self, positions: [Position; 2]) {
        let [tile, other] = &mut self.tiles;
        let (filtered, schedule) = (self.filtered, self.schedule);
        let sources = [
            source::<BPP, ROWS>(filtered, schedule, positions[0], tile),
            source::<BPP, ROWS>(filtered, schedule, positions[1], other),
        ];
        let lanes = self.next.input();
        load_lanes(sources, lanes);
        let clear = positions.map(|position| schedule.is_left_edge(position));
        if clear[0] || clear[1] {
            clear_left::<BPP, ROWS>(lanes, clear);
        }
        if BPP == 2 {
            for lane in lanes {
                *lane = swap_bytes(*lane);
            }
        }
    }

    /// Sets the left neighbours to zero in waves that begin new rows, and reads the
    /// filters of these rows.
    #[cold]
    #[cfg_attr(target_arch = "x86_64", target_feature(enable = "avx2"))]
    fn begin(&mut self, positions: [Position; 2]) {
        let kept = positions.map(|position| [if position.column == 0 { 0 } else { 0xFF }; HALF]);
        let kept = U8x32::load(kept.each_ref());
        self.left = self.left.and(kept);
        self.above = self.above.and(kept);
        self.filters = Filters::new::<BPP, ROWS>(self.filtered, self.schedule, positions);
    }

    /// Computes one pixel of each lane in each step, and does a share of both
    /// transpositions. `first_above` has the pixels above each wave's first row.
    ///
    /// The blocks share memory, and the order of the shares makes that possible:
    ///
    /// - The next block is transposed late. Its last stage overwrites registers that hold
    ///   the input of this block, each one after the step that reads it.
    /// - The former block is transposed early. Its first stage reads registers that the
    ///   results of this block overwrite, each one before the step that writes it.
    #[cfg_attr(target_arch = "x86_64", target_feature(enable = "avx2"))]
    fn steps<const MIXED: bool, const AVERAGE: bool>(&mut self, first_above: U8x32) {
        let (mut left, mut corner) = (self.left, self.above);
        let mut incoming = reverse_pixels::<BPP>(first_above);
        for step in 0..ROWS {
            let mut residual = self.next.output()[step];
            for share in [2 * step, 2 * step + 1] {
                self.former.advance(share);
                self.next.advance_late(share);
            }
            // Each lane takes the result of the lane before it, the first lane
            // the next pixel of the row above the wave.
            let above = left.shift_in::<BPP>(incoming);
            incoming = incoming.shift_in::<BPP>(U8x32::zero());
            if AVERAGE {
                let average = left.average(above).and(self.filters.average);
                residual = residual.add(average);
            }
            left = if MIXED {
                add_paeth(
                    residual,
                    left.and(self.filters.left),
                    above.and(self.filters.above),
                    corner.and(self.filters.corner),
                )
            } else {
                add_paeth(residual, left, above, corner)
            };
            corner = above;
            self.former.input()[step] = left;
        }
        (self.left, self.above) = (left, corner);
    }

    /// Stores the part of one wave's block that is inside the image.
    #[inline]
    #[cfg_attr(target_arch = "x86_64", target_feature(enable = "avx2"))]
    fn store<const TRAILING: bool>(
        &self,
        position: Position,
        lanes: &[U8x32; ROWS],
        plane: &mut [u8],
    ) {
        let schedule = self.schedule;
        if schedule.is_outside(position) {
            return;
        }
        if let Some(at) = schedule.offset(position, schedule.row_bytes) {
            let target = plane.get_mut(at..);
            let stride = schedule.row_bytes - BPP;
            if let Some(target) = target.and_then(|bytes| LanesMut::new(bytes, stride)) {
                let rest = schedule.row_bytes as isize - position.column;
                if rest < BLOCK as isize {
                    let inside = |lane| rest + (lane * BPP) as isize;
                    store_first_bytes::<ROWS, TRAILING>(lanes, target, inside);
                } else {
                    store_lanes::<ROWS, TRAILING>(lanes, target);
                }
                return;
            }
        }
        let mut tile = [[0; BLOCK]; ROWS];
        store_lanes::<ROWS, TRAILING>(lanes, LanesMut::tile(&mut tile));
        store_tile::<BPP, ROWS>(schedule, position, &tile, plane);
    }

    /// Reads the pixels above a wave's first row from the plane. They are zero above the
    /// image's first row.
    #[inline(always)]
    fn row_above(&self, position: Position, plane: &[u8]) -> [u8; BLOCK] {
        let mut bytes = [0; BLOCK];
        let schedule = self.schedule;
        if (1..schedule.rows as isize).contains(&position.first_row) {
            let end = position.first_row as usize * schedule.row_bytes;
            let row = &plane[end - schedule.row_bytes..end];
            copy_overlap(row, position.column, &mut bytes);
        }
        bytes
    }
}

/// Filtered bytes of a wave's block: borrowed from `filtered` where possible, otherwise
/// copied into `tile`, with zeros outside the image.
#[inline(always)]
fn source<'a, const BPP: usize, const ROWS: usize>(
    filtered: &'a [u8],
    schedule: Schedule,
    position: Position,
    tile: &'a mut Tile<ROWS>,
) -> Lanes<'a, ROWS> {
    // Bytes right of a row may be anything: no pixel inside the row depends on them.
    if let Some(at) = schedule.offset(position, schedule.row_bytes + 1) {
        let lanes = filtered.get(at + 1..);
        let stride = schedule.row_bytes + 1 - BPP;
        if let Some(lanes) = lanes.and_then(|bytes| Lanes::new(bytes, stride)) {
            return lanes;
        }
    }
    *tile = [[0; BLOCK]; ROWS];
    if !schedule.is_outside(position) {
        fill_tile::<BPP, ROWS>(filtered, schedule, position, tile);
    }
    Lanes::tile(tile)
}

/// Copies the part of a block that is inside the image, row by row.
#[cold]
fn fill_tile<const BPP: usize, const ROWS: usize>(
    filtered: &[u8],
    schedule: Schedule,
    position: Position,
    tile: &mut Tile<ROWS>,
) {
    for ((lane, row), bytes) in schedule.rows_of(position).enumerate().zip(tile) {
        let start = row * (schedule.row_bytes + 1) + 1;
        let row = &filtered[start..start + schedule.row_bytes];
        copy_overlap(row, position.column_of::<BPP>(lane), bytes);
    }
}

/// Writes the part of a tile that is inside the image, row by row.
#[cold]
fn store_tile<const BPP: usize, const ROWS: usize>(
    schedule: Schedule,
    position: Position,
    tile: &Tile<ROWS>,
    plane: &mut [u8],
) {
    for ((lane, row), bytes) in schedule.rows_of(position).enumerate().zip(tile) {
        let start = row * schedule.row_bytes;
        let target = &mut plane[start..start + schedule.row_bytes];
        let [from, to, skip] = overlap(position.column_of::<BPP>(lane), target.len());
        target[from..to].copy_from_slice(&bytes[skip..skip + to - from]);
    }
}

/// Adds the Paeth predictor, [`super::rows::predict`], to `residual`, for 32 bytes.
///
/// The next step waits for the result, and `above` is known last. So the formula has few
/// instructions in a row between `above` and the sum: each candidate is added before it
/// is known which of them is the predictor. It uses minimum and maximum rather than
/// saturating differences, which take twice as long.
#[cfg_attr(target_arch = "x86_64", target_feature(enable = "avx2"))]
fn add_paeth(residual: U8x32, left: U8x32, above: U8x32, corner: U8x32) -> U8x32 {
    let (low, high) = (left.min(above), left.max(above));
    let highest = left.max(corner).max(above).optimisation_barrier();
    let lowest = left.min(corner).min(above).optimisation_barrier();
    let (over, under) = (highest.sub(corner), corner.sub(lowest));
    // The sum of the distances is at most 255. If doubling one of them overflows, it is
    // larger than the other, and `max` keeps the comparison false.
    let larger = over.max(under);
    let near_high = over.add(over).max(larger).equal(under);
    let near_low = under.add(under).max(larger).equal(over);
    let from_corner = residual.add(corner).optimisation_barrier();
    let from_low = residual.add(low).optimisation_barrier();
    let from_high = residual.add(high).optimisation_barrier();
    let sum = from_corner.blend(near_high, from_low);
    sum.blend(near_low, from_high)
}

/// Sets the bytes left of each row to zero, in the halves that are marked.
#[cfg_attr(target_arch = "x86_64", target_feature(enable = "avx2"))]
fn clear_left<const BPP: usize, const ROWS: usize>(lanes: &mut [U8x32; ROWS], halves: [bool; 2]) {
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
        *pixels = pixels.and(U8x32::load(halves.map(inside)));
    }
}

/// Swaps the bytes of each word, from big-endian to little-endian.
#[cfg_attr(target_arch = "x86_64", target_feature(enable = "avx2"))]
fn swap_bytes(words: U8x32) -> U8x32 {
    words.shuffle(&[1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14])
}

/// Reverses the order of the pixels in each half.
#[cfg_attr(target_arch = "x86_64", target_feature(enable = "avx2"))]
fn reverse_pixels<const BPP: usize>(pixels: U8x32) -> U8x32 {
    const BYTES: [u8; BLOCK] = [15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0];
    const WORDS: [u8; BLOCK] = [14, 15, 12, 13, 10, 11, 8, 9, 6, 7, 4, 5, 2, 3, 0, 1];
    pixels.shuffle(if BPP == 1 { &BYTES } else { &WORDS })
}
