//! [LZ4] for sorted bits.
//!
//! A plane of bits repeats the byte just before it or the byte in the row above:
//! both belong to the same bright or dark spot. So this compressor tries only these
//! two distances and needs no table of earlier bytes: it compares all bytes with
//! those at either distance, many at once, and makes a match of each long enough run
//! of equal ones. Real planes become as small as with LZ4's own search, in half the
//! time.
//!
//! ```text
//! sequence                                                       | … | last literals
//! lengths: 4 bits each | more length | literals | distance: u16 | more length
//! ```
//!
//! [LZ4]: https://github.com/lz4/lz4/blob/dev/doc/lz4_Block_format.md
#![allow(
    clippy::indexing_slicing,
    reason = "positions come from words that have one bit for each byte"
)]

#[cfg(target_arch = "x86_64")]
mod avx2;
mod compare;
#[cfg(test)]
mod tests;

use self::compare::{WORD, compare, equal};
use crate::simd::SimdLevel;

/// Bytes of the shortest match that is used. Shorter ones save little, and each
/// match costs time, here and in readers.
const MATCH_AT_LEAST: usize = 6;

/// Bytes of the shortest match of the format, from which it counts lengths.
const MATCH_BASE: usize = 4;

/// No match starts closer to the end of the block, as the format demands.
const MATCH_START: usize = 12;

/// The largest length that four bits state; 15 says that more of it follows.
const SHORT_LENGTH: usize = 15;

/// Memory that is kept from block to block.
#[derive(Default)]
pub(super) struct Lz4Scratch {
    /// One bit for each byte: whether it equals the byte before it.
    before: Vec<u64>,
    /// One bit for each byte: whether it equals the byte in the row above.
    above: Vec<u64>,
    /// One bit for each byte: whether a match of either distance can start there.
    starts: Vec<u64>,
    /// The compressed block, followed by bytes of earlier and longer ones.
    block: Vec<u8>,
}

/// Compresses `bytes` and appends the LZ4 block to `out`. `row` is the number of
/// bytes in a row of a plane of bits, 2 to 65,535.
pub(super) fn compress(
    bytes: &[u8],
    row: u16,
    scratch: &mut Lz4Scratch,
    level: SimdLevel,
    out: &mut Vec<u8>,
) {
    let Lz4Scratch {
        before,
        above,
        starts,
        block,
    } = scratch;
    let row = usize::from(row);
    compare_bytes(bytes, 1, before, level);
    compare_bytes(bytes, row, above, level);
    find_starts(before, above, starts);
    let last_start = bytes.len().saturating_sub(MATCH_START);
    let mut block = Block::new(block, bytes);
    while let Some(start) = next_start(starts, block.anchor).filter(|start| *start <= last_start) {
        let (run, rows) = (ones(before, start), ones(above, start));
        let distance = if run >= rows { 1 } else { row };
        block.add(start, distance as u16, run.max(rows));
    }
    out.extend_from_slice(block.end());
}

/// Most bytes that the lengths and the distance of one sequence take, besides one byte
/// for each 255 that the lengths count.
const OVERHEAD: usize = 16;

/// Bytes that are copied at once, even where fewer are needed: a copy of fixed length
/// is a single instruction.
const SHORT: usize = 32;

/// An LZ4 block that is being written.
struct Block<'a> {
    /// The bytes to compress.
    bytes: &'a [u8],
    /// How many of them the block holds already.
    anchor: usize,
    /// The block, with room for the longest that these bytes can give.
    block: &'a mut [u8],
    /// Bytes written to the block.
    length: usize,
}

impl<'a> Block<'a> {
    /// Begins the block of `bytes` in the memory `block`.
    fn new(block: &'a mut Vec<u8>, bytes: &'a [u8]) -> Self {
        // A match takes fewer bytes than it stands for.
        let longest = bytes.len() + bytes.len() / 255 + OVERHEAD + SHORT;
        if block.len() < longest {
            block.resize(longest, 0);
        }
        Self {
            bytes,
            anchor: 0,
            block,
            length: 0,
        }
    }

    /// Adds a sequence: the bytes up to `start` as literals, then a match.
    #[inline(always)]
    fn add(&mut self, start: usize, distance: u16, length: usize) {
        let beyond_base = length - MATCH_BASE;
        self.literals(start, beyond_base);
        let [low, high] = distance.to_le_bytes();
        let beyond = beyond_base.saturating_sub(SHORT_LENGTH);
        // The third byte is written even where it is not needed. More than one byte of
        // length is rare.
        let more = [low, high, beyond as u8];
        self.block[self.length..][..more.len()].copy_from_slice(&more);
        self.length += 2 + usize::from(beyond_base >= SHORT_LENGTH);
        if beyond >= 255 {
            self.length -= 1;
            self.rest_of_length(beyond);
        }
        self.anchor = start + length;
    }

    /// Writes the lengths of a sequence and its literals: all bytes up to `end`.
    #[inline(always)]
    fn literals(&mut self, end: usize, match_length: usize) {
        let literals = &self.bytes[self.anchor..end];
        let count = literals.len();
        let beyond = count.saturating_sub(SHORT_LENGTH);
        let token = (count.min(SHORT_LENGTH) << 4 | match_length.min(SHORT_LENGTH)) as u8;
        self.block[self.length..][..2].copy_from_slice(&[token, beyond as u8]);
        self.length += 1 + usize::from(count >= SHORT_LENGTH);
        if beyond >= 255 {
            self.length -= 1;
            self.rest_of_length(beyond);
        }
        match self.bytes[self.anchor..].first_chunk::<SHORT>() {
            Some(short) if count <= SHORT => {
                self.block[self.length..][..SHORT].copy_from_slice(short);
            }
            _ => self.block[self.length..][..count].copy_from_slice(literals),
        }
        self.length += count;
    }

    /// Writes the rest of a length that four bits cannot state, in bytes of which all
    /// but the last are 255.
    #[cold]
    fn rest_of_length(&mut self, length: usize) {
        self.block[self.length..][..length / 255].fill(u8::MAX);
        self.length += length / 255;
        self.block[self.length] = (length % 255) as u8;
        self.length += 1;
    }

    /// Writes the last literals and returns the block.
    fn end(mut self) -> &'a [u8] {
        self.literals(self.bytes.len(), 0);
        &self.block[..self.length]
    }
}

/// Compares each byte with the one `distance` before it, by the fastest way.
fn compare_bytes(bytes: &[u8], distance: usize, equals: &mut Vec<u64>, level: SimdLevel) {
    #[cfg(target_arch = "x86_64")]
    if level >= SimdLevel::Avx2 && avx2::try_compare(bytes, distance, equals) {
        return;
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = level;
    compare(bytes, distance, equals, equal);
}

/// Finds the positions from which [`MATCH_AT_LEAST`] bytes are equal at either distance.
fn find_starts(before: &[u64], above: &[u64], starts: &mut Vec<u64>) {
    // The last word holds no ones and needs no successor.
    let before = before.iter().zip(&before[1..]);
    let above = above.iter().zip(&above[1..]);
    starts.clear();
    starts.extend(
        before
            .zip(above)
            .map(|((before, next), (above, next_above))| {
                runs(*before, *next) | runs(*above, *next_above)
            }),
    );
}

/// Returns the bits of `word` from which [`MATCH_AT_LEAST`] ones follow each other;
/// `next` is the word after it.
#[inline(always)]
fn runs(word: u64, next: u64) -> u64 {
    let ahead = |bits: u64, distance: u32, next: u64| bits >> distance | next << (64 - distance);
    // Only the first bits of the next word matter, so zeros may follow them.
    let (two, next_two) = (word & ahead(word, 1, next), next & next >> 1);
    let (four, next_four) = (two & ahead(two, 2, next_two), next_two & next_two >> 2);
    four & ahead(four, MATCH_AT_LEAST as u32 - 4, next_four)
}

/// Finds the first position from `at` on where a match can start.
#[inline(always)]
fn next_start(starts: &[u64], at: usize) -> Option<usize> {
    let (mut index, mut reached) = (at / WORD, u64::MAX << (at % WORD));
    loop {
        let word = *starts.get(index)? & reached;
        if word != 0 {
            return Some(index * WORD + word.trailing_zeros() as usize);
        }
        (index, reached) = (index + 1, u64::MAX);
    }
}

/// Counts the ones that follow each other from `at` on.
#[inline(always)]
fn ones(equals: &[u64], at: usize) -> usize {
    let (index, shift) = (at / WORD, at % WORD);
    let first = (!(equals[index] >> shift)).trailing_zeros() as usize;
    if first < WORD - shift {
        return first;
    }
    let mut count = WORD - shift;
    for word in &equals[index + 1..] {
        let more = word.trailing_ones() as usize;
        count += more;
        if more < WORD {
            break;
        }
    }
    count
}
