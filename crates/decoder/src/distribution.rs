//! The distribution of a plane's samples, found in the way that is fastest on this
//! processor.
//!
//! | module | samples | how | needs |
//! |---|---|---|---|
//! | `avx512` | 8 bit | counts bit planes, 512 pixels at a time | AVX-512, GFNI |
//! | `simd` | 8 bit | counts pixels below thresholds, 32 at a time | AVX2 or NEON |
//! | `histogram` | 8 or 16 bit | counts each sample | - |
//!
//! All three give the same result, from exact integers.

#[cfg(target_arch = "x86_64")]
mod avx512;
mod histogram;
mod simd;
pub(crate) mod values;

#[cfg(target_arch = "x86_64")]
use avx512::BitPlanes;
use histogram::Histogram;
use values::{Distribution, Ranks};

use crate::shape::BitDepth;

/// Working memory of [`summarise`](crate::summarise). Make one for each worker and use it
/// for every plane.
#[derive(Debug, Default)]
pub struct SummaryScratch {
    histogram: Histogram,
    #[cfg(target_arch = "x86_64")]
    bit_planes: BitPlanes,
}

impl SummaryScratch {
    /// Allocates 2 KiB. The first plane makes it grow: to 512 KiB for 16-bit samples, and at
    /// most to one byte a pixel for 8-bit samples.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Finds the distribution of `plane`. Every value is 0 for an empty plane.
    pub(crate) fn distribution(
        &mut self,
        plane: &[u8],
        depth: BitDepth,
        ranks: &Ranks,
    ) -> Distribution {
        if depth == BitDepth::Eight && !plane.is_empty() {
            #[cfg(target_arch = "x86_64")]
            if let Some(found) = self.bit_planes.distribution(plane, ranks) {
                return found;
            }
            if let Some(found) = simd::distribution(plane, ranks) {
                return found;
            }
        }
        self.histogram.count(plane, depth);
        self.histogram.distribution(depth, ranks)
    }
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    /// Compares all modules that this processor can run with sorted samples.
    #[track_caller]
    fn compare(plane: &[u8], ranks: &Ranks, scratch: &mut SummaryScratch) {
        scratch.histogram.count(plane, BitDepth::Eight);
        let expected = scratch.histogram.distribution(BitDepth::Eight, ranks);
        let mut sorted = plane.to_vec();
        sorted.sort_unstable();
        let at_ranks = ranks.map(|pair| pair.map(|rank| u16::from(sorted[rank as usize])));
        assert_eq!(expected.at_ranks, at_ranks);
        if let Some(found) = simd::distribution(plane, ranks) {
            assert_eq!(found, expected);
        }
        #[cfg(target_arch = "x86_64")]
        if let Some(found) = scratch.bit_planes.distribution(plane, ranks) {
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn all_modules_find_the_same_distribution() {
        let mut random = ChaCha8Rng::seed_from_u64(7);
        let mut scratch = SummaryScratch::new();
        for round in 0..900 {
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
            compare(&plane, &ranks, &mut scratch);
        }
    }

    /// The pixels that `simd` samples first say nothing about the others here.
    #[test]
    fn periodic_planes_are_counted_correctly() {
        let mut scratch = SummaryScratch::new();
        let last = (1 << 15) - 1;
        let ranks = [1, 50, 500, 950, 999].map(|share| [share * last / 1000; 2]);
        for period in [2, 16, 17, 32, 34, 64] {
            for bright in 0..period {
                let pixel = |at| if at % period == bright { 200 } else { 3 };
                let plane: Vec<u8> = (0..=last).map(pixel).collect();
                compare(&plane, &ranks, &mut scratch);
                let pixel = |at| {
                    if at % period == bright {
                        (at / period) as u8
                    } else {
                        90
                    }
                };
                let plane: Vec<u8> = (0..=last).map(pixel).collect();
                compare(&plane, &ranks, &mut scratch);
            }
        }
    }
}
