//! The schedule of the two waves: which rows and which block each of them undoes
//! in each round.
//!
//! In a *round* each wave undoes one block. Both waves run through their rows from
//! left to right, the trailing wave [`LAG`] rounds after the leading one.
#![allow(
    clippy::indexing_slicing,
    reason = "`overlap` gives ranges inside both the row and the block"
)]

use std::ops::Range;

use super::lanes::BLOCK;

/// Rounds by which the trailing wave is behind the leading one.
///
/// The first row of the trailing wave lies below the last row of the leading wave
/// and needs its pixels. For 8-bit samples, whose blocks are 16 pixels wide and
/// whose last row is 15 pixels behind the first:
///
/// ```text
/// round   leading wave, last row,      the same row,           trailing wave, first
///         undoes pixels                is transposed back      row, undoes pixels
/// k       16k - 15 ..= 16k             16k - 31 ..= 16k - 16   16k - 48 ..= 16k - 33
/// k + 1   16k +  1 ..= 16k + 16        16k - 15 ..= 16k        16k - 32 ..= 16k - 17
/// k + 2   16k + 17 ..= 16k + 32        16k +  1 ..= 16k + 16   16k - 16 ..= 16k -  1
/// k + 3   16k + 33 ..= 16k + 48        16k + 17 ..= 16k + 32   16k      ..= 16k + 15
/// ```
///
/// Pixels 16k to 16k + 15 are undone by the end of round k + 1 and transposed back
/// by the end of round k + 2, so round k + 3 is the first that can use them.
pub(super) const LAG: usize = 3;

/// Fewest rounds for the rows of a wave, however short they are.
///
/// When the leading wave begins its next rows, the row above them is the last row
/// of the trailing wave. Block k of that row is in the plane at the end of round
/// `k + LAG + 2`, by the drawing at [`LAG`], and is read in round `blocks + k`.
const MIN_BLOCKS: usize = LAG + 3;

/// The way of both waves through all rows.
#[derive(Clone, Copy)]
pub(super) struct Schedule {
    pub(super) row_bytes: usize,
    pub(super) rows: usize,
    rows_of_wave: usize,
    /// Bytes by which the last row of a wave is behind the first.
    last_lane: usize,
    /// Blocks, and so rounds, that a wave needs for its rows, until the last of
    /// them is at its end.
    blocks: usize,
}

/// The position of a wave.
#[derive(Clone, Copy)]
pub(super) struct Position {
    /// The wave's first row; negative before the wave has begun.
    pub(super) first_row: isize,
    /// The column of the first row at which the block begins, in bytes.
    pub(super) column: isize,
}

impl Schedule {
    pub(super) fn new<const BPP: usize, const ROWS: usize>(row_bytes: usize, rows: usize) -> Self {
        let last_lane = (ROWS - 1) * BPP;
        Self {
            row_bytes,
            rows,
            rows_of_wave: ROWS,
            last_lane,
            blocks: (row_bytes + last_lane).div_ceil(BLOCK).max(MIN_BLOCKS),
        }
    }

    /// Rounds until both waves have undone all rows.
    pub(super) fn rounds(&self) -> usize {
        self.rows.div_ceil(2 * self.rows_of_wave) * self.blocks + LAG
    }

    /// The positions of the leading and of the trailing wave in a round.
    pub(super) fn positions(&self, round: isize) -> [Position; 2] {
        [(round, 0), (round - LAG as isize, self.rows_of_wave)].map(|(round, rows_below)| {
            let blocks = self.blocks as isize;
            Position {
                first_row: round.div_euclid(blocks) * self.rows_of_both() + rows_below as isize,
                column: round.rem_euclid(blocks) * BLOCK as isize,
            }
        })
    }

    /// Moves both positions on by one round.
    #[inline(always)]
    pub(super) fn advance(&self, positions: &mut [Position; 2]) {
        for position in positions {
            position.column += BLOCK as isize;
            if position.column == (self.blocks * BLOCK) as isize {
                position.column = 0;
                position.first_row += self.rows_of_both();
            }
        }
    }

    fn rows_of_both(&self) -> isize {
        2 * self.rows_of_wave as isize
    }

    /// The rows of the image that the wave undoes: fewer than a wave has at the
    /// image's end, none before the wave has begun.
    pub(super) fn rows_of(&self, position: Position) -> Range<usize> {
        match usize::try_from(position.first_row) {
            Ok(first) => first..self.rows.min(first + self.rows_of_wave),
            Err(_) => 0..0,
        }
    }

    /// Whether the block has no byte inside the image.
    #[inline(always)]
    pub(super) fn is_outside(&self, position: Position) -> bool {
        !(0..self.rows as isize).contains(&position.first_row)
            || position.column >= (self.row_bytes + self.last_lane) as isize
    }

    /// Whether the block is the one in which all rows begin, and none of them ends.
    ///
    /// The bytes left of a row are then the end of the row above it, in the same
    /// wave. They may be loaded, if they are made zero afterwards, and overwritten,
    /// because the wave writes the end of its rows later.
    #[inline(always)]
    pub(super) fn is_left_edge(&self, position: Position) -> bool {
        position.column == 0 && self.row_bytes >= 2 * BLOCK
    }

    /// Offset of the block in a buffer whose rows take `stride` bytes. `None` if
    /// the block has to be copied row by row, because rows of the wave are missing
    /// or begin within the block (but see [`is_left_edge`](Self::is_left_edge)).
    #[inline(always)]
    pub(super) fn offset(&self, position: Position, stride: usize) -> Option<usize> {
        let first_row = usize::try_from(position.first_row).ok()?;
        let column = position.column as usize;
        let is_whole = first_row + self.rows_of_wave <= self.rows;
        let is_inside = column >= self.last_lane || self.is_left_edge(position);
        (is_whole && is_inside).then_some(first_row * stride + column)
    }
}

impl Position {
    /// The column of a lane's row at which the block begins, in bytes; negative if it begins
    /// left of the row.
    pub(super) fn column_of<const BPP: usize>(&self, lane: usize) -> isize {
        self.column - (lane * BPP) as isize
    }
}

/// Returns which bytes of a row of `length` bytes the block at `column` covers, as
/// start and end, and how many bytes of the block lie in front of them.
#[inline(always)]
pub(super) fn overlap(column: isize, length: usize) -> [usize; 3] {
    let end = (column + BLOCK as isize).max(0) as usize;
    let from = (column.max(0) as usize).min(length);
    let to = end.min(length).max(from);
    [from, to, from.saturating_add_signed(-column).min(BLOCK)]
}

/// Copies the bytes of a row that the block at `column` covers to their place in
/// `block`, and leaves the others as they are.
#[inline(always)]
pub(super) fn copy_overlap(row: &[u8], column: isize, block: &mut [u8; BLOCK]) {
    // A negative column becomes an index beyond any slice.
    if let Some(inside) = row.get(column as usize..).and_then(|row| row.first_chunk()) {
        *block = *inside;
        return;
    }
    let [from, to, skip] = overlap(column, row.len());
    block[skip..skip + to - from].copy_from_slice(&row[from..to]);
}
