//! How the samples of a plane are distributed, and the fastest way to find out.

#[cfg(target_arch = "x86_64")]
use crate::bit_planes::{self, BitPlanes};
use crate::histogram::{ByteTally, Histogram};
use crate::shape::BitDepth;

/// Percentiles that are asked for.
pub(crate) const PERCENTILES: usize = 5;

/// The two places among the sorted samples, from 0, that each percentile lies
/// between.
pub(crate) type Ranks = [[u64; 2]; PERCENTILES];

/// What the statistics need of the samples, whatever their order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Distribution {
    pub(crate) sum: u128,
    pub(crate) sum_of_squares: u128,
    pub(crate) min: u16,
    pub(crate) max: u16,
    /// Samples that have the type's largest value.
    pub(crate) saturated: u64,
    /// The sample at each rank that was asked for.
    pub(crate) at_ranks: [[u16; 2]; PERCENTILES],
}

/// Scratch memory of [`summarise`](crate::summarise). Make one per worker and
/// use it for every plane.
#[derive(Debug, Default)]
pub struct SummaryScratch {
    histogram: Histogram,
    #[cfg(target_arch = "x86_64")]
    bit_planes: BitPlanes,
}

impl SummaryScratch {
    /// Allocates little until it meets a plane; then as many bytes as that has
    /// pixels of 8 bits, at most, or 512 KiB for 16-bit samples.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// What samples are counted in while a plane is in the making; `None` where
    /// it is faster to look at them afterwards.
    pub(crate) fn tally(depth: BitDepth) -> Option<ByteTally> {
        #[cfg(target_arch = "x86_64")]
        if bit_planes::are_fast() {
            return None;
        }
        (depth == BitDepth::Eight).then(ByteTally::new)
    }

    /// The distribution of `plane`, whose first samples, as many as it says, may
    /// be in a tally already. All 0 for an empty plane.
    pub(crate) fn distribution(
        &mut self,
        plane: &[u8],
        depth: BitDepth,
        tally: Option<(ByteTally, usize)>,
        ranks: &Ranks,
    ) -> Distribution {
        #[cfg(target_arch = "x86_64")]
        if depth == BitDepth::Eight
            && tally.is_none()
            && !plane.is_empty()
            && let Some(found) = self.bit_planes.distribution(plane, ranks)
        {
            return found;
        }
        let (tally, counted) = tally.unwrap_or_else(|| (ByteTally::new(), 0));
        let rest = plane.get(counted..).unwrap_or_default();
        self.histogram.count(tally, rest, depth);
        self.histogram.distribution(depth, ranks)
    }
}

#[cfg(all(test, target_arch = "x86_64"))]
mod tests {
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    #[test]
    fn bit_planes_and_the_histogram_agree() {
        let mut random = ChaCha8Rng::seed_from_u64(7);
        let (mut bit_planes, mut histogram) = (BitPlanes::default(), Histogram::default());
        for round in 0..600 {
            let length = match round % 3 {
                0 => random.random_range(1..40),
                1 => 512 * random.random_range(1..20),
                _ => random.random_range(1..20_000),
            };
            let low = random.random_range(0..=255);
            let high = random.random_range(low..=255);
            let saturated = random.random_range(0..3) == 0;
            let plane: Vec<u8> = (0..length)
                .map(|_| match random.random_range(0..50) {
                    0 if saturated => 0xFF,
                    _ => random.random_range(low..=high),
                })
                .collect();
            let last = plane.len() as u64 - 1;
            let mut ranks =
                Ranks::default().map(|pair| pair.map(|_| random.random_range(0..=last)));
            ranks[0] = [0, last];

            histogram.count(ByteTally::new(), &plane, BitDepth::Eight);
            let expected = histogram.distribution(BitDepth::Eight, &ranks);
            let mut sorted = plane.clone();
            sorted.sort_unstable();
            let at_ranks = ranks.map(|pair| pair.map(|rank| u16::from(sorted[rank as usize])));
            assert_eq!(expected.at_ranks, at_ranks, "round {round}");
            if let Some(found) = bit_planes.distribution(&plane, &ranks) {
                assert_eq!(found, expected, "round {round}");
            }
        }
    }
}
