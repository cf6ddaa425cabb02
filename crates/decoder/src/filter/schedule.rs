//! Where the two waves are at each tick.

use std::ops::Range;

use super::lanes::BLOCK;

/// Ticks that the trailing wave is behind. Its first row needs what the leading
/// wave's last lane gives, which is there two ticks later; and that lane has one
/// block less one pixel later than the first what lies above a block.
pub(super) const LAG: usize = 3;

/// With fewer blocks a row, the leading wave would overtake the trailing one, whose
/// last row lies above its next rows.
const BLOCKS_AT_LEAST: usize = LAG + 4;

/// The way of both waves through all rows.
#[derive(Clone, Copy)]
pub(super) struct Course {
    pub(super) row_bytes: usize,
    pub(super) rows: usize,
    rows_of_wave: usize,
    last_lane: usize,
    /// Blocks, and ticks, that a wave takes for its rows: the last row ends later
    /// than the first.
    blocks: usize,
}

/// Where a wave is: its first row, and that row's column in bytes. The row is
/// negative before the wave has begun.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) first: isize,
    pub(super) column: isize,
}

impl Course {
    pub(super) fn new<const BPP: usize, const ROWS: usize>(row_bytes: usize, rows: usize) -> Self {
        let last_lane = (ROWS - 1) * BPP;
        Self {
            row_bytes,
            rows,
            rows_of_wave: ROWS,
            last_lane,
            blocks: (row_bytes + last_lane).div_ceil(BLOCK).max(BLOCKS_AT_LEAST),
        }
    }

    /// Ticks until both waves have undone everything.
    pub(super) fn ticks(&self) -> usize {
        self.rows.div_ceil(2 * self.rows_of_wave) * self.blocks + LAG
    }

    /// The leading wave's place, and the trailing one's.
    pub(super) fn places(&self, tick: isize) -> [Place; 2] {
        [(tick, 0), (tick - LAG as isize, self.rows_of_wave)].map(|(tick, behind)| {
            let blocks = self.blocks as isize;
            Place {
                first: tick.div_euclid(blocks) * self.rows_of_both() + behind as isize,
                column: tick.rem_euclid(blocks) * BLOCK as isize,
            }
        })
    }

    /// To the next tick.
    #[inline(always)]
    pub(super) fn advance(&self, places: &mut [Place; 2]) {
        for place in places {
            place.column += BLOCK as isize;
            if place.column == (self.blocks * BLOCK) as isize {
                place.column = 0;
                place.first += self.rows_of_both();
            }
        }
    }

    fn rows_of_both(&self) -> isize {
        2 * self.rows_of_wave as isize
    }

    /// Rows of the wave that exist.
    pub(super) fn rows_from(&self, place: Place) -> Range<usize> {
        match usize::try_from(place.first) {
            Ok(first) => first..self.rows.min(first + self.rows_of_wave),
            Err(_) => 0..0,
        }
    }

    /// Nothing of the block lies in any row.
    #[inline(always)]
    pub(super) fn is_outside(&self, place: Place) -> bool {
        !(0..self.rows as isize).contains(&place.first)
            || place.column >= (self.row_bytes + self.last_lane) as isize
    }

    /// All rows begin in this block, and end in later ones. What lies left of a row
    /// may be read, if it is then made zero; and be written, because it is the end
    /// of the row above, which this wave is yet to write.
    #[inline(always)]
    pub(super) fn is_clear_left(&self, place: Place) -> bool {
        place.column == 0 && self.row_bytes >= 2 * BLOCK
    }

    /// Where the block lies among rows of `stride` bytes, if all rows exist and none
    /// begins within it, or behind it, unless [so](Self::is_clear_left).
    #[inline(always)]
    pub(super) fn offset(&self, place: Place, stride: usize) -> Option<usize> {
        let first = usize::try_from(place.first).ok()?;
        let column = place.column as usize;
        let whole = first + self.rows_of_wave <= self.rows;
        let is_inside = column >= self.last_lane || self.is_clear_left(place);
        (whole && is_inside).then_some(first * stride + column)
    }
}

impl Place {
    /// The column where a lane is.
    pub(super) fn column_of<const BPP: usize>(&self, lane: usize) -> isize {
        self.column - (lane * BPP) as isize
    }
}

/// The part of a row of `length` bytes that the block at `column` covers, from
/// and to, and how much of the block lies in front of it.
#[inline(always)]
pub(super) fn overlap(column: isize, length: usize) -> [usize; 3] {
    let end = (column + BLOCK as isize).max(0) as usize;
    let from = (column.max(0) as usize).min(length);
    let to = end.min(length).max(from);
    [from, to, from.saturating_add_signed(-column).min(BLOCK)]
}

/// Copies what the row has from `column` on, leaving the rest of `block`.
#[inline(always)]
pub(super) fn copy_part(row: &[u8], column: isize, block: &mut [u8; BLOCK]) {
    // A negative column is beyond any slice once it is an index.
    if let Some(inside) = row.get(column as usize..).and_then(|row| row.first_chunk()) {
        *block = *inside;
        return;
    }
    let [from, to, skip] = overlap(column, row.len());
    block[skip..skip + to - from].copy_from_slice(&row[from..to]);
}
