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

/// What is kept from block to block: a bit for each byte.
#[derive(Default)]
pub(super) struct Lz4Scratch {
    /// Like the byte in front of it.
    front: Vec<u64>,
    /// Like the byte in the row above.
    above: Vec<u64>,
}

/// Appends the block that `bytes` make to `out`. `row`: bytes of a row of a plane
/// of bits, 2 to 65,535.
pub(super) fn compress(bytes: &[u8], row: u16, scratch: &mut Lz4Scratch, out: &mut Vec<u8>) {
    let Lz4Scratch { front, above } = scratch;
    let row = usize::from(row);
    compare_fastest(bytes, 1, front);
    compare_fastest(bytes, row, above);
    let last_start = bytes.len().saturating_sub(MATCH_START);
    let mut anchor = 0;
    while let Some(start) = next_match(front, above, anchor).filter(|start| *start <= last_start) {
        let (run, rows) = (ones(front, start), ones(above, start));
        let (distance, length) = if run >= rows { (1, run) } else { (row, rows) };
        sequence(&bytes[anchor..], start - anchor, length - MATCH_BASE, out);
        out.extend_from_slice(&(distance as u16).to_le_bytes());
        if let Some(beyond) = (length - MATCH_BASE).checked_sub(MOST) {
            more(beyond, out);
        }
        anchor = start + length;
    }
    sequence(&bytes[anchor..], bytes.len() - anchor, 0, out);
}

/// The lengths of a sequence, and its literals: the first of `from`. `length`:
/// that of the match, less [`MATCH_BASE`].
fn sequence(from: &[u8], literals: usize, length: usize, out: &mut Vec<u8>) {
    const SHORT: usize = 32;
    out.push((literals.min(MOST) << 4 | length.min(MOST)) as u8);
    if let Some(beyond) = literals.checked_sub(MOST) {
        more(beyond, out);
    }
    match from.first_chunk::<SHORT>() {
        // A copy of fixed length is but an instruction.
        Some(short) if literals <= SHORT => {
            out.extend_from_slice(short);
            out.truncate(out.len() - (SHORT - literals));
        }
        _ => out.extend_from_slice(&from[..literals]),
    }
}

/// What does not fit four bits of a length, in bytes of which all but the last
/// are 255.
#[inline]
fn more(length: usize, out: &mut Vec<u8>) {
    if length >= 255 {
        out.resize(out.len() + length / 255, u8::MAX);
    }
    out.push((length % 255) as u8);
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
    alike.clear();
    let end = bytes.len().saturating_sub(LITERALS_AT_END);
    alike.reserve(end / WORD + 2);
    let mut at = 0;
    while at < end {
        let word = match (
            bytes[at..].first_chunk::<WORD>(),
            at.checked_sub(distance)
                .and_then(|before| bytes[before..].first_chunk::<WORD>()),
        ) {
            (Some(here), Some(before)) if at + WORD <= end => equal(here, before),
            _ => (at.max(distance)..end.min(at + WORD))
                .map(|place| u64::from(bytes[place] == bytes[place - distance]) << (place - at))
                .fold(0, |word, bit| word | bit),
        };
        alike.push(word);
        at += WORD;
    }
    alike.push(0);
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
/// Where the next match can start, from `at` on.
#[inline(always)]
fn next_match(front: &[u64], above: &[u64], at: usize) -> Option<usize> {
    let mut index = at / WORD;
    let mut reached = u64::MAX << (at % WORD);
    while let (Some(&[f, f_next]), Some(&[a, a_next])) =
        (front[index..].first_chunk(), above[index..].first_chunk())
    {
        let starts = (starts(f, f_next) | starts(a, a_next)) & reached;
        if starts != 0 {
            return Some(index * WORD + starts.trailing_zeros() as usize);
        }
        reached = u64::MAX;
        index += 1;
    }
    None
}

/// Bits that begin [`MATCH_AT_LEAST`] ones.
#[inline(always)]
fn starts(word: u64, next: u64) -> u64 {
    let one = u128::from(next) << WORD | u128::from(word);
    let two = one & one >> 1;
    let four = two & two >> 2;
    (four & four >> (MATCH_AT_LEAST - 4)) as u64
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
