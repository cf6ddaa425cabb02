#![allow(
    clippy::indexing_slicing,
    reason = "lengths are checked once, before the loops over rows; fuzzer and corruption tests agree"
)]

use crate::distribution::{Distribution, Ranks};
use crate::shape::BitDepth;

/// How often each sample of a plane occurs. Reused from plane to plane.
#[derive(Debug)]
pub(crate) struct Histogram {
    /// By sample value. All zero outside `first..=last`.
    counts: Vec<u64>,
    first: usize,
    last: usize,
}

impl Default for Histogram {
    /// It grows to 512 KiB when it first meets 16-bit samples.
    fn default() -> Self {
        Self {
            counts: vec![0; 1 << 8],
            first: 0,
            last: 0,
        }
    }
}

impl Histogram {
    /// Forgets the plane before, and counts `rest` on top of what is in
    /// `tally`, which is nothing where samples have 16 bits.
    pub(crate) fn count(&mut self, tally: ByteTally, rest: &[u8], depth: BitDepth) {
        self.counts[self.first..=self.last].fill(0);
        match depth {
            BitDepth::Eight => self.count_bytes(tally, rest),
            BitDepth::Sixteen => self.count_words(rest),
        }
    }

    fn count_bytes(&mut self, mut tally: ByteTally, rest: &[u8]) {
        (self.first, self.last) = (0, 0xFF);
        let (begin, rest) = rest.split_at(rest.len().min(ByteTally::MOST));
        tally.add_all(begin);
        self.add(&tally);
        for part in rest.chunks(ByteTally::MOST) {
            let mut tally = ByteTally::new();
            tally.add_all(part);
            self.add(&tally);
        }
    }

    fn add(&mut self, tally: &ByteTally) {
        for table in &tally.tables {
            for (count, more) in self.counts.iter_mut().zip(table) {
                *count += u64::from(*more);
            }
        }
    }

    /// Cameras of 16 bit seldom use all of them: only what lies between the
    /// darkest and the brightest pixel is ever looked at or cleared.
    fn count_words(&mut self, plane: &[u8]) {
        let samples = || plane.as_chunks().0.iter().copied().map(u16::from_le_bytes);
        let (low, high) = samples().fold((u16::MAX, 0), |(low, high), sample| {
            (sample.min(low), sample.max(high))
        });
        self.counts.resize(1 << 16, 0);
        (self.first, self.last) = (usize::from(low.min(high)), usize::from(high));
        for sample in samples() {
            self.counts[usize::from(sample)] += 1;
        }
    }

    /// The distribution of what was counted.
    pub(crate) fn distribution(&self, depth: BitDepth, ranks: &Ranks) -> Distribution {
        let mut found = Distribution::default();
        let mut seen: u64 = 0;
        for (value, count) in self.occupied() {
            let (wide, weight) = (u128::from(value), u128::from(count));
            found.sum += wide * weight;
            found.sum_of_squares += wide * wide * weight;
            // Values ascend, so the last to fit stays.
            let at_ranks = found.at_ranks.as_flattened_mut();
            for (rank, at_rank) in ranks.as_flattened().iter().zip(at_ranks) {
                if *rank >= seen {
                    *at_rank = value;
                }
            }
            if seen == 0 {
                found.min = value;
            }
            seen += count;
            found.max = value;
            if value == depth.max_value() {
                found.saturated = count;
            }
        }
        found
    }

    /// Values that occur, ascending, with how often they do.
    pub(crate) fn occupied(&self) -> impl Iterator<Item = (u16, u64)> {
        let counts = (self.first..).zip(&self.counts[self.first..=self.last]);
        counts
            .filter(|(_, count)| **count > 0)
            .map(|(value, count)| (value as u16, *count))
    }
}

/// Bytes that are counted at once.
pub(crate) const AT_ONCE: usize = 32;

/// 8-bit samples, counted while a plane is in the making.
///
/// Neighbours are often equal, and a count that was only just written is slow
/// to read again: eight tables take turns. (A table of pairs of samples needs
/// half the writes, but on real planes waits for them all the same, and its
/// size eats up the rest.)
pub(crate) struct ByteTally {
    tables: [[u32; 1 << 8]; 8],
}

impl ByteTally {
    /// Most bytes at a time: twice as many do not overflow a count.
    pub(crate) const MOST: usize = 1 << 30;

    pub(crate) const fn new() -> Self {
        Self {
            tables: [[0; 1 << 8]; 8],
        }
    }

    #[inline(always)]
    pub(crate) fn add(&mut self, samples: &[u8; AT_ONCE]) {
        for eight in samples.as_chunks::<8>().0 {
            for (sample, table) in eight.iter().zip(&mut self.tables) {
                table[usize::from(*sample)] += 1;
            }
        }
    }

    fn add_all(&mut self, samples: &[u8]) {
        let (whole, rest) = samples.as_chunks();
        for samples in whole {
            self.add(samples);
        }
        for sample in rest {
            self.tables[0][usize::from(*sample)] += 1;
        }
    }
}
