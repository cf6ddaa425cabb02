//! Comparison of every byte of a block with the one at a fixed distance before it.
#![allow(
    clippy::indexing_slicing,
    reason = "every index is below a length that is computed in this file"
)]

/// The last bytes of a block are literals, as the format demands.
pub(super) const LITERALS_AT_END: usize = 5;

/// Bytes whose comparisons fill a word, one bit for each byte.
pub(super) const WORD: usize = 64;

/// Replaces `equals` with one bit for each byte of `bytes`: whether it equals the
/// byte `distance` before it and a match may contain it. A word of zeros follows.
/// `equal` compares 64 bytes; it is inlined so that AVX2 applies to the whole loop.
#[inline(always)]
pub(super) fn compare(
    bytes: &[u8],
    distance: usize,
    equals: &mut Vec<u64>,
    equal: impl Fn(&[u8; WORD], &[u8; WORD]) -> u64,
) {
    let end = bytes.len().saturating_sub(LITERALS_AT_END);
    let (words, whole) = (end.div_ceil(WORD), end / WORD);
    // The first word all of whose bytes have one at that distance before them.
    let first = distance.div_ceil(WORD).min(whole);
    equals.clear();
    equals.resize(words + 1, 0);
    for word in (0..first).chain(whole..words) {
        let at = word * WORD;
        equals[word] = (at.max(distance)..end.min(at + WORD))
            .map(|place| u64::from(bytes[place] == bytes[place - distance]) << (place - at))
            .fold(0, |word, bit| word | bit);
    }
    if first < whole {
        let (here, _) = bytes[first * WORD..].as_chunks();
        let (before, _) = bytes[first * WORD - distance..].as_chunks();
        for ((word, here), before) in equals[first..whole].iter_mut().zip(here).zip(before) {
            *word = equal(here, before);
        }
    }
}

/// Returns one bit for each byte: whether it is the same in both.
#[inline(always)]
pub(super) fn equal(a: &[u8; WORD], b: &[u8; WORD]) -> u64 {
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
