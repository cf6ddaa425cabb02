use crate::shape::BitDepth;

/// Scratch memory of [`summarise`](crate::summarise): how often each sample
/// occurs. Make one per worker and use it for every plane.
#[derive(Debug)]
pub struct Histogram {
    /// By sample value. All zero outside `first..=last`.
    counts: Vec<u64>,
    first: usize,
    last: usize,
}

impl Default for Histogram {
    fn default() -> Self {
        Self::new()
    }
}

impl Histogram {
    /// An empty histogram; it grows to 512 KiB when it first meets 16-bit
    /// samples.
    #[must_use]
    pub fn new() -> Self {
        Self {
            counts: vec![0; 1 << 8],
            first: 0,
            last: 0,
        }
    }

    /// Forgets the plane before and counts this one.
    pub(crate) fn count(&mut self, plane: &[u8], depth: BitDepth) {
        self.counts[self.first..=self.last].fill(0);
        match depth {
            BitDepth::Eight => self.count_bytes(plane),
            BitDepth::Sixteen => self.count_words(plane),
        }
    }

    /// Neighbours are often equal, and a count that was only just written is
    /// slow to read again: eight tables take turns.
    fn count_bytes(&mut self, plane: &[u8]) {
        /// So that no 32-bit count can overflow.
        const AT_ONCE: usize = 1 << 30;
        (self.first, self.last) = (0, 0xFF);
        for part in plane.chunks(AT_ONCE) {
            let mut tables = [[0_u32; 1 << 8]; 8];
            let (words, rest) = part.as_chunks::<8>();
            for word in words {
                // One load, eight samples.
                let word = u64::from_le_bytes(*word);
                for (lane, table) in tables.iter_mut().enumerate() {
                    table[usize::from((word >> (8 * lane)) as u8)] += 1;
                }
            }
            for sample in rest {
                tables[0][usize::from(*sample)] += 1;
            }
            for table in &tables {
                for (count, more) in self.counts.iter_mut().zip(table) {
                    *count += u64::from(*more);
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

    /// Values that occur, ascending, with how often they do.
    pub(crate) fn occupied(&self) -> impl Iterator<Item = (u16, u64)> {
        let counts = (self.first..).zip(&self.counts[self.first..=self.last]);
        counts
            .filter(|(_, count)| **count > 0)
            .map(|(value, count)| (value as u16, *count))
    }
}
