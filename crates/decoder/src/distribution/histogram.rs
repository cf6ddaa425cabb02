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
    /// Forgets the plane before, and counts this one.
    pub(crate) fn count(&mut self, plane: &[u8], depth: BitDepth) {
        self.counts[self.first..=self.last].fill(0);
        match depth {
            BitDepth::Eight => self.count_bytes(plane),
            BitDepth::Sixteen => self.count_words(plane),
        }
    }

    fn count_bytes(&mut self, plane: &[u8]) {
        (self.first, self.last) = (0, 0xFF);
        for part in plane.chunks(u32::MAX as usize) {
            for table in count(part) {
                for (count, more) in self.counts.iter_mut().zip(table) {
                    *count += u64::from(more);
                }
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

/// How often each byte occurs: the sum of all tables. Neighbours are often equal,
/// and a count that was only just written is slow to read again, so that the tables
/// take turns.
fn count(bytes: &[u8]) -> [[u32; 1 << 8]; 8] {
    let mut tables = [[0; 1 << 8]; 8];
    let (whole, rest) = bytes.as_chunks::<8>();
    for eight in whole.iter().map(<[u8; 8]>::as_slice).chain([rest]) {
        for (byte, table) in eight.iter().zip(&mut tables) {
            table[usize::from(*byte)] += 1;
        }
    }
    tables
}
