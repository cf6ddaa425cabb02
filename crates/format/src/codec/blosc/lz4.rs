//! [LZ4] for sorted bits.
//!
//! What repeats in a plane of bits lies just in front or in the row above: bits
//! of the same bright or dark spot. So only these two distances are tried, and
//! no table of what was seen is needed: bytes are compared with those at either
//! distance, many at once, and long enough runs of equal ones are matches. Real
//! planes get as small as by LZ4's own search, in half the time.
//!
//! ```text
//! sequence                                                       | … | last literals
//! lengths: 4 bits each | more length | literals | distance: u16 | more length
//! ```
//!
//! [LZ4]: https://github.com/lz4/lz4/blob/dev/doc/lz4_Block_format.md
#![allow(
    clippy::indexing_slicing,
    reason = "places come from words of bits that have one for each byte"
)]

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(test)]
mod tests;

/// Shorter matches save little, and each of them costs time, here and in readers.
const MATCH_AT_LEAST: usize = 6;

/// The format's own least, which lengths are counted from.
const MATCH_BASE: usize = 4;

/// The last bytes are literals.
const LITERALS_AT_END: usize = 5;

/// No match starts closer to the end.
const MATCH_START: usize = 12;

/// The most that four bits say of a length: then more follows.
const MOST: usize = 15;

/// Bytes whose comparisons fill a word.
const WORD: usize = 64;

/// What is kept from block to block.
#[derive(Default)]
pub(super) struct Lz4Scratch {
    /// A bit for each byte: like the one in front of it.
    front: Vec<u64>,
    /// A bit for each byte: like the one in the row above.
    above: Vec<u64>,
    /// A bit for each byte: a match of either kind can start.
    starts: Vec<u64>,
    /// The last block, in front of what earlier and longer ones left.
    block: Vec<u8>,
}

/// Appends the block that `bytes` make to `out`. `row`: bytes of a row of a plane
/// of bits, 2 to 65,535.
pub(super) fn compress(bytes: &[u8], row: u16, scratch: &mut Lz4Scratch, out: &mut Vec<u8>) {
    let Lz4Scratch {
        front,
        above,
        starts,
        block,
    } = scratch;
    let row = usize::from(row);
    compare_fastest(bytes, 1, front);
    compare_fastest(bytes, row, above);
    find_starts(front, above, starts);
    let last_start = bytes.len().saturating_sub(MATCH_START);
    let mut block = Block::new(block, bytes);
    while let Some(start) = next_start(starts, block.anchor).filter(|start| *start <= last_start) {
        let (run, rows) = (ones(front, start), ones(above, start));
        let distance = if run >= rows { 1 } else { row };
        block.add(start, distance as u16, run.max(rows));
    }
    out.extend_from_slice(block.end());
}

/// What the lengths of one sequence take at most, besides a byte for each 255 that
/// they count.
const OVERHEAD: usize = 16;

/// Bytes that are copied at once, however few of them are wanted: a copy of fixed
/// length is but an instruction.
const SHORT: usize = 32;

/// A block in the making.
struct Block<'a> {
    bytes: &'a [u8],
    /// Up to where the bytes are in the block.
    anchor: usize,
    /// Longer than any block of these bytes gets.
    block: &'a mut [u8],
    length: usize,
}

impl<'a> Block<'a> {
    fn new(block: &'a mut Vec<u8>, bytes: &'a [u8]) -> Self {
        // A match stands for more bytes than it takes.
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

    /// A sequence: the bytes up to `start` as literals, and a match.
    #[inline(always)]
    fn add(&mut self, start: usize, distance: u16, length: usize) {
        let beyond_base = length - MATCH_BASE;
        self.literals(start, beyond_base);
        let [low, high] = distance.to_le_bytes();
        let beyond = beyond_base.saturating_sub(MOST);
        // Written whether or not there is more; seldom is there more than a byte.
        let more = [low, high, beyond as u8];
        self.block[self.length..][..more.len()].copy_from_slice(&more);
        self.length += 2 + usize::from(beyond_base >= MOST);
        if beyond >= 255 {
            self.length -= 1;
            self.more(beyond);
        }
        self.anchor = start + length;
    }

    /// The lengths of a sequence, and its literals: all bytes up to `end`.
    #[inline(always)]
    fn literals(&mut self, end: usize, match_length: usize) {
        let literals = &self.bytes[self.anchor..end];
        let count = literals.len();
        let beyond = count.saturating_sub(MOST);
        let token = (count.min(MOST) << 4 | match_length.min(MOST)) as u8;
        self.block[self.length..][..2].copy_from_slice(&[token, beyond as u8]);
        self.length += 1 + usize::from(count >= MOST);
        if beyond >= 255 {
            self.length -= 1;
            self.more(beyond);
        }
        match self.bytes[self.anchor..].first_chunk::<SHORT>() {
            Some(short) if count <= SHORT => {
                self.block[self.length..][..SHORT].copy_from_slice(short);
            }
            _ => self.block[self.length..][..count].copy_from_slice(literals),
        }
        self.length += count;
    }

    /// What does not fit four bits of a length, in bytes of which all but the last
    /// are 255.
    #[cold]
    fn more(&mut self, length: usize) {
        self.block[self.length..][..length / 255].fill(u8::MAX);
        self.length += length / 255;
        self.block[self.length] = (length % 255) as u8;
        self.length += 1;
    }

    /// The block, once the last literals are in it.
    fn end(mut self) -> &'a [u8] {
        self.literals(self.bytes.len(), 0);
        &self.block[..self.length]
    }
}

fn compare_fastest(bytes: &[u8], distance: usize, alike: &mut Vec<u64>) {
    #[cfg(target_arch = "x86_64")]
    if avx2::compare(bytes, distance, alike) {
        return;
    }
    compare(bytes, distance, alike, equal);
}

/// A bit for each byte that is like the one `distance` in front of it, and could
/// be part of a match; and a word of none. Compiled together with `equal`.
#[inline(always)]
fn compare(
    bytes: &[u8],
    distance: usize,
    alike: &mut Vec<u64>,
    equal: impl Fn(&[u8; WORD], &[u8; WORD]) -> u64,
) {
    let end = bytes.len().saturating_sub(LITERALS_AT_END);
    let (words, whole) = (end.div_ceil(WORD), end / WORD);
    // The first word all of whose bytes have one that far in front.
    let first = distance.div_ceil(WORD).min(whole);
    alike.clear();
    alike.resize(words + 1, 0);
    for word in (0..first).chain(whole..words) {
        let at = word * WORD;
        alike[word] = (at.max(distance)..end.min(at + WORD))
            .map(|place| u64::from(bytes[place] == bytes[place - distance]) << (place - at))
            .fold(0, |word, bit| word | bit);
    }
    if first < whole {
        let (here, _) = bytes[first * WORD..].as_chunks();
        let (before, _) = bytes[first * WORD - distance..].as_chunks();
        for ((word, here), before) in alike[first..whole].iter_mut().zip(here).zip(before) {
            *word = equal(here, before);
        }
    }
}

/// A bit for each byte that is the same in both.
#[inline(always)]
fn equal(a: &[u8; WORD], b: &[u8; WORD]) -> u64 {
    let eights = a.as_chunks().0.iter().zip(b.as_chunks().0);
    eights.enumerate().fold(0, |word, (part, (a, b))| {
        const LOW: u64 = 0x7F7F_7F7F_7F7F_7F7F;
        let differ = u64::from_le_bytes(*a) ^ u64::from_le_bytes(*b);
        // The highest bit of each byte: whether it is zero.
        let zero = !(((differ & LOW) + LOW) | differ | LOW);
        let bits = (zero >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56;
        word | bits << (8 * part)
    })
}
/// The bits that begin [`MATCH_AT_LEAST`] ones in either.
fn find_starts(front: &[u64], above: &[u64], starts: &mut Vec<u64>) {
    // Behind the last word, which is of none, there is nothing.
    let front = front.iter().zip(&front[1..]);
    let above = above.iter().zip(&above[1..]);
    starts.clear();
    starts.extend(
        front
            .zip(above)
            .map(|((front, next), (above, next_above))| {
                runs(*front, *next) | runs(*above, *next_above)
            }),
    );
}

/// Bits that begin [`MATCH_AT_LEAST`] ones.
#[inline(always)]
fn runs(word: u64, next: u64) -> u64 {
    let ahead = |bits: u64, distance: u32, next: u64| bits >> distance | next << (64 - distance);
    // Of the next word only the first bits matter, and no ones follow them.
    let (two, next_two) = (word & ahead(word, 1, next), next & next >> 1);
    let (four, next_four) = (two & ahead(two, 2, next_two), next_two & next_two >> 2);
    four & ahead(four, MATCH_AT_LEAST as u32 - 4, next_four)
}

/// Where the next match can start, from `at` on.
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

/// How many ones there are from `at` on.
#[inline(always)]
fn ones(alike: &[u64], at: usize) -> usize {
    let (index, shift) = (at / WORD, at % WORD);
    let first = (!(alike[index] >> shift)).trailing_zeros() as usize;
    if first < WORD - shift {
        return first;
    }
    let mut count = WORD - shift;
    for word in &alike[index + 1..] {
        let more = word.trailing_ones() as usize;
        count += more;
        if more < WORD {
            break;
        }
    }
    count
}
