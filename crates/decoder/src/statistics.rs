use xxhash_rust::xxh3::xxh3_128;

use crate::shape::BitDepth;

/// What is known of a plane once it is decoded.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PlaneSummary {
    /// Distribution of the pixels.
    pub statistics: Statistics,
    /// xxh3-128, seed 0, of the plane's bytes as stored: row-major, 16-bit
    /// samples little-endian.
    pub xxh3_128: u128,
}

/// Distribution of one plane's pixels, in units of the stored samples.
///
/// Computed from exact integer sums and an exact histogram, so that any two
/// machines agree to the last bit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Statistics {
    /// Arithmetic mean.
    pub mean: f64,
    /// Standard deviation of the population (NumPy's `ddof=0`).
    pub std: f64,
    /// Smallest sample.
    pub min: u16,
    /// Largest sample.
    pub max: u16,
    /// First percentile, interpolated linearly as `numpy.percentile` does.
    pub p01: f64,
    /// Median.
    pub p50: f64,
    /// 99th percentile.
    pub p99: f64,
    /// Fraction of the pixels, 0 to 1, that have the type's largest value.
    pub saturated: f64,
}

/// Scratch memory of [`summarise`]: how often each sample occurs. Make one per
/// worker and use it for every plane.
#[derive(Debug)]
pub struct Histogram {
    counts: Vec<u64>,
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
        }
    }

    fn count(&mut self, plane: &[u8], depth: BitDepth) {
        let values = usize::from(depth.max_value()) + 1;
        self.counts.clear();
        self.counts.resize(values, 0);
        match depth {
            BitDepth::Eight => {
                for sample in plane {
                    self.counts[usize::from(*sample)] += 1;
                }
            }
            BitDepth::Sixteen => {
                for sample in plane.as_chunks().0 {
                    self.counts[usize::from(u16::from_le_bytes(*sample))] += 1;
                }
            }
        }
    }

    /// Values that occur, ascending, with how often they do.
    fn occupied(&self) -> impl DoubleEndedIterator<Item = (u16, u64)> {
        let counts = self.counts.iter().enumerate();
        counts
            .filter(|(_, count)| **count > 0)
            .map(|(value, count)| (value as u16, *count))
    }

    /// The sample at `rank`, counted from 0 in ascending order.
    fn ranked(&self, rank: u64) -> u16 {
        let mut below = 0;
        let mut last = 0;
        for (value, count) in self.occupied() {
            below += count;
            last = value;
            if rank < below {
                break;
            }
        }
        last
    }

    /// `numpy.percentile(…, method="linear")`, step by step, rounding included.
    fn percentile(&self, percent: f64, pixels: u64) -> f64 {
        let position = percent / 100.0 * pixels.saturating_sub(1) as f64;
        let weight = position - position.floor();
        let rank = position.floor() as u64;
        let lower = f64::from(self.ranked(rank));
        let upper = f64::from(self.ranked(rank + 1));
        let step = upper - lower;
        if weight < 0.5 {
            lower + step * weight
        } else {
            upper - step * (1.0 - weight)
        }
    }

    fn statistics(&self, depth: BitDepth) -> Statistics {
        let mut pixels: u64 = 0;
        let mut sum: u128 = 0;
        let mut squares: u128 = 0;
        for (value, count) in self.occupied() {
            let (value, weight) = (u128::from(value), u128::from(count));
            pixels += count;
            sum += value * weight;
            squares += value * value * weight;
        }
        let n = pixels.max(1) as f64;
        // n² × variance is a difference of integers: nothing cancels.
        let scaled_variance = u128::from(pixels) * squares - sum * sum;
        Statistics {
            mean: sum as f64 / n,
            std: (scaled_variance as f64).sqrt() / n,
            min: self.occupied().next().map_or(0, |(value, _)| value),
            max: self.occupied().next_back().map_or(0, |(value, _)| value),
            p01: self.percentile(1.0, pixels),
            p50: self.percentile(50.0, pixels),
            p99: self.percentile(99.0, pixels),
            saturated: self.counts[usize::from(depth.max_value())] as f64 / n,
        }
    }
}

/// Measures and hashes a plane: row-major `(y, x)`, 16-bit samples
/// little-endian, the layout that [`Decoder::decode`](crate::Decoder::decode)
/// writes. All statistics of an empty plane are 0.
#[must_use]
pub fn summarise(plane: &[u8], depth: BitDepth, histogram: &mut Histogram) -> PlaneSummary {
    histogram.count(plane, depth);
    PlaneSummary {
        statistics: histogram.statistics(depth),
        xxh3_128: xxh3_128(plane),
    }
}
