//! The distribution by a histogram: for 16-bit samples, and for processors without SIMD.
#![allow(
    clippy::indexing_slicing,
    reason = "indices are samples, and the tables have an entry for each value of a sample"
)]

use super::values::{Distribution, Ranks};
use crate::shape::BitDepth;

/// Counts how often each sample of a plane occurs. Used for one plane after another.
#[derive(Debug)]
pub(crate) struct Histogram {
    /// Indexed by sample; 0 outside `first..=last`.
    counts: Vec<u64>,
    first: usize,
    last: usize,
}

impl Default for Histogram {
    /// Has room for 8-bit samples. The first 16-bit plane makes it grow to 512 KiB.
    fn default() -> Self {
        Self {
            counts: vec![0; 1 << 8],
            first: 0,
            last: 0,
        }
    }
}

impl Histogram {
    /// Replaces the counts by those of `plane`.
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

    /// Counts 16-bit samples. Images seldom use all values, so that only the counts between
    /// the darkest and the brightest pixel are visited and cleared.
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

    /// The distribution of the samples that were counted last.
    pub(crate) fn distribution(&self, depth: BitDepth, ranks: &Ranks) -> Distribution {
        let mut found = Distribution::default();
        let mut seen: u64 = 0;
        for (value, count) in self.occupied() {
            let (wide, weight) = (u128::from(value), u128::from(count));
            found.sum += wide * weight;
            found.sum_of_squares += wide * wide * weight;
            // Values ascend, so each rank keeps the last value that it reaches.
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

    /// The samples that occur, in ascending order, each with its count.
    fn occupied(&self) -> impl Iterator<Item = (u16, u64)> {
        let counts = (self.first..).zip(&self.counts[self.first..=self.last]);
        counts
            .filter(|(_, count)| **count > 0)
            .map(|(value, count)| (value as u16, *count))
    }
}

/// Counts how often each byte occurs: the count is the sum over all tables.
///
/// Neighbouring bytes are often equal, and a processor is slow to read a count that it has
/// just written. So neighbouring bytes are counted in different tables.
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
