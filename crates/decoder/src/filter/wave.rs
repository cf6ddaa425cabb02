//! Thirty-two rows at once.
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
//! ones. The lower half of a register holds the *leading* wave, the upper half
//! the *trailing* one, the next rows below, some blocks behind so that the last
//! row of the leading wave is there when it is needed. A *block* is what 16 bytes
//! of every row make: they are loaded askew, transposed, undone step by step in
//! registers, transposed back and stored askew.
//!
//! The steps wait for each other, and a machine that looks some hundred
//! instructions ahead finds nothing else to do among them. So each step takes a
//! share of other work along, and blocks are in three places at once:
//!
//! ```text
//! tick t   block t + 1            block t        block t - 1
//!          loaded, transposed     undone         transposed back, stored
//! ```
//!
//! When either wave has reached the end of its rows it goes on with the next that
//! no wave has, without waiting for the other.
//!
//! Pixels left of a row count as zero by PNG's definition, and a lane that is
//! fed zeros in front of its row gives zeros; what lies right of a row never
//! reaches a pixel in it. So edges need no care but that of loads and stores.

use super::lanes::{BLOCK, Lanes, LanesMut, Tile, load_lanes, store_beginnings, store_lanes};
use super::schedule::{Course, Place, copy_part, overlap};
use super::transposition::Transposition;
use super::{AVERAGE, PAETH, SUB, UP};
use crate::simd::{HALF, Register};

/// Undoes the filters of all rows, whose filter bytes are 0 to 4. `ROWS`: rows
/// of one wave, `BLOCK / BPP`.
#[cfg_attr(target_arch = "x86_64", target_feature(enable = "avx2"))]
pub(super) fn unfilter_waves<const BPP: usize, const ROWS: usize>(
    filtered: &[u8],
    row_bytes: usize,
    plane: &mut [u8],
) {
    let course = Course::new::<BPP, ROWS>(row_bytes, plane.len() / row_bytes);
    let mut waves = Waves::<BPP, ROWS> {
        filtered,
        course,
        filters: Filters::new::<BPP, ROWS>(filtered, course, course.places(0)),
        left: Register::zero(),
        above: Register::zero(),
        last_row: Register::zero(),
        handed_down: Register::zero(),
        next: Transposition::new(),
        former: Transposition::new(),
        tiles: [[[0; BLOCK]; ROWS]; 2],
    };
    let mut former = course.places(-2);
    let mut places = course.places(-1);
    let mut next = course.places(0);
    for _ in 0..course.ticks() + 2 {
        waves.advance([former, places, next], plane);
        for places in [&mut former, &mut places, &mut next] {
            course.advance(places);
        }
    }
}

/// The filter of each lane's row, as masks for its neighbours: Paeth's
/// prediction from left, zero and zero is left, and likewise from above, so
/// that one formula serves every filter but Average.
struct Filters {
    any_average: bool,
    all_paeth: bool,
    average: Register,
    left: Register,
    above: Register,
    corner: Register,
}

impl Filters {
    #[cfg_attr(target_arch = "x86_64", target_feature(enable = "avx2"))]
    fn new<const BPP: usize, const ROWS: usize>(
        filtered: &[u8],
        course: Course,
        places: [Place; 2],
    ) -> Self {
        // It is all the same what rows have that do not exist.
        let mut kinds = [[PAETH; HALF]; 2];
        for (place, lanes) in places.into_iter().zip(&mut kinds) {
            let rows = course.rows_from(place);
            for (row, lane) in rows.zip(lanes.chunks_exact_mut(BPP)) {
                lane.fill(match filtered[row * (course.row_bytes + 1)] {
                    // Above the first row lies zero, and Paeth of (left, 0, 0) is left.
                    SUB if row == 0 => PAETH,
                    filter => filter,
                });
            }
        }
        let lanes = kinds.as_flattened();
        let any_average = lanes.contains(&AVERAGE);
        let all_paeth = lanes.iter().all(|filter| *filter == PAETH);
        let kinds = Register::load(kinds.each_ref());
        let mask = |filter: u8| kinds.equal(Register::splat(filter));
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

/// Two waves on their way through the rows.
struct Waves<'a, const BPP: usize, const ROWS: usize> {
    filtered: &'a [u8],
    course: Course,
    filters: Filters,
    /// What each lane gave in the last step.
    left: Register,
    /// What lay above each lane's pixel in the last step.
    above: Register,
    /// In the lower half, the last block of the leading wave's last row.
    last_row: Register,
    /// In the lower half, what lies above the trailing wave's next block.
    handed_down: Register,
    /// From lanes to steps: the next block, and behind its last turn this one.
    next: Transposition<BPP, ROWS>,
    /// From steps to lanes: the block before, and before its first turn this one.
    former: Transposition<BPP, ROWS>,
    tiles: [Tile<ROWS>; 2],
}

impl<const BPP: usize, const ROWS: usize> Waves<'_, BPP, ROWS> {
    /// Undoes one block of either wave. `places`: of the former one, which is
    /// stored, of this one, and of the next, which is loaded.
    #[cfg_attr(target_arch = "x86_64", target_feature(enable = "avx2"))]
    fn advance(&mut self, [former, places, next]: [[Place; 2]; 3], plane: &mut [u8]) {
        self.load(next);
        if places[0].column == 0 || places[1].column == 0 {
            self.begin(places);
        }
        let row_above = self.row_above(places[0], plane);
        let row_above = Register::load([&row_above, &row_above]);
        let first_above = row_above.lower_halves(self.handed_down);
        if self.filters.all_paeth {
            self.steps::<false, false>(first_above);
        } else if self.filters.any_average {
            self.steps::<true, true>(first_above);
        } else {
            self.steps::<true, false>(first_above);
        }
        let lanes = self.former.last();
        let last_row = lanes[ROWS - 1];
        self.handed_down = last_row.behind::<BPP>(self.last_row);
        self.last_row = last_row;
        self.put::<false>(former[0], lanes, plane);
        self.put::<true>(former[1], lanes, plane);
    }

    /// Loads the next block.
    #[inline]
    #[cfg_attr(target_arch = "x86_64", target_feature(enable = "avx2"))]
    fn load(&mut self, places: [Place; 2]) {
        let [tile, other] = &mut self.tiles;
        let (filtered, course) = (self.filtered, self.course);
        let sources = [
            source::<BPP, ROWS>(filtered, course, places[0], tile),
            source::<BPP, ROWS>(filtered, course, places[1], other),
        ];
        let lanes = self.next.first();
        load_lanes(sources, lanes);
        let clear = places.map(|place| course.is_clear_left(place));
        if clear[0] || clear[1] {
            clear_left::<BPP, ROWS>(lanes, clear);
        }
        if BPP == 2 {
            for lane in lanes {
                *lane = swap_bytes(*lane);
            }
        }
    }

    /// Forgets what was left of the waves that begin with new rows.
    #[cold]
    #[cfg_attr(target_arch = "x86_64", target_feature(enable = "avx2"))]
    fn begin(&mut self, places: [Place; 2]) {
        let kept = places.map(|place| [if place.column == 0 { 0 } else { 0xFF }; HALF]);
        let kept = Register::load(kept.each_ref());
        self.left = self.left.and(kept);
        self.above = self.above.and(kept);
        self.filters = Filters::new::<BPP, ROWS>(self.filtered, self.course, places);
    }

    /// One pixel of every lane in each step; and the blocks before and behind this
    /// one are transposed. Registers of this block take the places of theirs when
    /// these have been turned.
    /// `first_above`: the pixels above each wave's first row in this block.
    #[cfg_attr(target_arch = "x86_64", target_feature(enable = "avx2"))]
    fn steps<const MIXED: bool, const AVERAGE: bool>(&mut self, first_above: Register) {
        let (mut left, mut corner) = (self.left, self.above);
        let mut incoming = reverse_pixels::<BPP>(first_above);
        for step in 0..ROWS {
            let mut residual = self.next.last()[step];
            for share in [2 * step, 2 * step + 1] {
                self.former.advance(share);
                self.next.advance_late(share);
            }
            // Every lane gets what the lane before it gave, the first lane
            // gets the next pixel of the row above the wave.
            let above = left.behind::<BPP>(incoming);
            incoming = incoming.behind::<BPP>(Register::zero());
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
            self.former.first()[step] = left;
        }
        (self.left, self.above) = (left, corner);
    }

    /// Writes what one of the two waves has inside the picture.
    #[inline]
    #[cfg_attr(target_arch = "x86_64", target_feature(enable = "avx2"))]
    fn put<const TRAILING: bool>(&self, place: Place, lanes: &[Register; ROWS], plane: &mut [u8]) {
        let course = self.course;
        if course.is_outside(place) {
            return;
        }
        if let Some(at) = course.offset(place, course.row_bytes) {
            let target = plane.get_mut(at..);
            let stride = course.row_bytes - BPP;
            if let Some(target) = target.and_then(|bytes| LanesMut::new(bytes, stride)) {
                let rest = course.row_bytes as isize - place.column;
                if rest < BLOCK as isize {
                    let inside = |lane| rest + (lane * BPP) as isize;
                    store_beginnings::<ROWS, TRAILING>(lanes, target, inside);
                } else {
                    store_lanes::<ROWS, TRAILING>(lanes, target);
                }
                return;
            }
        }
        let mut tile = [[0; BLOCK]; ROWS];
        store_lanes::<ROWS, TRAILING>(lanes, LanesMut::tile(&mut tile));
        put_edges::<BPP, ROWS>(course, place, &tile, plane);
    }

    /// Undone bytes above a wave's first row, zero above the picture.
    #[inline(always)]
    fn row_above(&self, place: Place, plane: &[u8]) -> [u8; BLOCK] {
        let mut bytes = [0; BLOCK];
        let course = self.course;
        if (1..course.rows as isize).contains(&place.first) {
            let end = place.first as usize * course.row_bytes;
            let row = &plane[end - course.row_bytes..end];
            copy_part(row, place.column, &mut bytes);
        }
        bytes
    }
}

/// Filtered bytes of a wave, where they are or, at the picture's edges, copied
/// into `tile`, which is zero outside.
#[inline(always)]
fn source<'a, const BPP: usize, const ROWS: usize>(
    filtered: &'a [u8],
    course: Course,
    place: Place,
    tile: &'a mut Tile<ROWS>,
) -> Lanes<'a, ROWS> {
    // What is read right of a row never reaches a pixel in it.
    if let Some(at) = course.offset(place, course.row_bytes + 1) {
        let lanes = filtered.get(at + 1..);
        let stride = course.row_bytes + 1 - BPP;
        if let Some(lanes) = lanes.and_then(|bytes| Lanes::new(bytes, stride)) {
            return lanes;
        }
    }
    *tile = [[0; BLOCK]; ROWS];
    if !course.is_outside(place) {
        fill_edges::<BPP, ROWS>(filtered, course, place, tile);
    }
    Lanes::tile(tile)
}

#[cold]
fn fill_edges<const BPP: usize, const ROWS: usize>(
    filtered: &[u8],
    course: Course,
    place: Place,
    tile: &mut Tile<ROWS>,
) {
    for ((lane, row), bytes) in course.rows_from(place).enumerate().zip(tile) {
        let start = row * (course.row_bytes + 1) + 1;
        let row = &filtered[start..start + course.row_bytes];
        copy_part(row, place.column_of::<BPP>(lane), bytes);
    }
}

#[cold]
fn put_edges<const BPP: usize, const ROWS: usize>(
    course: Course,
    place: Place,
    tile: &Tile<ROWS>,
    plane: &mut [u8],
) {
    for ((lane, row), bytes) in course.rows_from(place).enumerate().zip(tile) {
        let start = row * course.row_bytes;
        let target = &mut plane[start..start + course.row_bytes];
        let [from, to, skip] = overlap(place.column_of::<BPP>(lane), target.len());
        target[from..to].copy_from_slice(&bytes[skip..skip + to - from]);
    }
}

/// `residual` plus [`super::predict`], for 32 bytes.
///
/// The next step waits for this one, so what counts is how many instructions lie
/// between `above`, which is there last, and the sum: each candidate is added
/// before it is known which one it is, and nothing saturates, for that takes twice
/// as long as the maximum that does the same.
#[cfg_attr(target_arch = "x86_64", target_feature(enable = "avx2"))]
fn add_paeth(residual: Register, left: Register, above: Register, corner: Register) -> Register {
    let (low, high) = (left.min(above), left.max(above));
    let highest = left.max(corner).max(above).computed();
    let lowest = left.min(corner).min(above).computed();
    let (over, under) = (highest.sub(corner), corner.sub(lowest));
    // Together the distances are 255 at most: where doubling one of them
    // overflows, it is larger than the other, which is all that is asked.
    let larger = over.max(under);
    let near_high = over.add(over).max(larger).equal(under);
    let near_low = under.add(under).max(larger).equal(over);
    let from_corner = residual.add(corner).computed();
    let from_low = residual.add(low).computed();
    let from_high = residual.add(high).computed();
    let sum = from_corner.or_where(near_high, from_low);
    sum.or_where(near_low, from_high)
}

/// Makes zero what lies left of the rows that begin in the lower or upper half.
#[cfg_attr(target_arch = "x86_64", target_feature(enable = "avx2"))]
fn clear_left<const BPP: usize, const ROWS: usize>(
    lanes: &mut [Register; ROWS],
    halves: [bool; 2],
) {
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
        *pixels = pixels.and(Register::load(halves.map(inside)));
    }
}

/// Big-endian words made little-endian.
#[cfg_attr(target_arch = "x86_64", target_feature(enable = "avx2"))]
fn swap_bytes(words: Register) -> Register {
    words.at(&[1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14])
}

/// In each half, the first pixel last.
#[cfg_attr(target_arch = "x86_64", target_feature(enable = "avx2"))]
fn reverse_pixels<const BPP: usize>(pixels: Register) -> Register {
    const BYTES: [u8; BLOCK] = [15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0];
    const WORDS: [u8; BLOCK] = [14, 15, 12, 13, 10, 11, 8, 9, 6, 7, 4, 5, 2, 3, 0, 1];
    pixels.at(if BPP == 1 { &BYTES } else { &WORDS })
}
