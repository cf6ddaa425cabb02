//! Statistics and hash of a plane.

use serde::{Deserialize, Serialize};
use twox_hash::XxHash3_128;

use crate::distribution::SummaryScratch;
use crate::distribution::values::PERCENTILES;
use crate::focus::focus;
use crate::shape::PlaneShape;

/// Statistics and hash of one plane.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlaneSummary {
    /// Distribution of the pixels.
    pub statistics: Statistics,
    /// xxh3-128, seed 0, of the plane's bytes: row-major, 16-bit samples little-endian.
    /// Serialised as 32 hexadecimal digits, because JSON has no integers of that size.
    #[serde(with = "hexadecimal")]
    pub xxh3_128: u128,
}

/// Distribution of one plane's pixels, in units of the stored samples.
///
/// Computed from exact integer sums and exact ranks, so that all machines give the same
/// bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Statistics {
    /// Arithmetic mean.
    pub mean: f64,
    /// Standard deviation of the population (NumPy's `ddof=0`).
    pub std: f64,
    /// Smallest sample.
    pub min: u16,
    /// Largest sample.
    pub max: u16,
    /// Percentile 0.1, interpolated linearly as `numpy.percentile` does.
    pub p001: f64,
    /// Percentile 1, interpolated linearly.
    pub p01: f64,
    /// Median, interpolated linearly.
    pub p50: f64,
    /// Percentile 99, interpolated linearly.
    pub p99: f64,
    /// Percentile 99.9, interpolated linearly.
    pub p999: f64,
    /// Fraction of the pixels, 0 to 1, that have the type's largest value.
    pub saturated: f64,
    /// Focus measure: variance (of the population) of the Laplacian over the pixels that
    /// have four neighbours, in squared units of the samples; 0 for planes smaller than
    /// 3 x 3. Defined by
    /// [Pech-Pacheco et al. 2000](https://doi.org/10.1109/ICPR.2000.903548).
    pub focus: f64,
    /// Sum of the samples, exact.
    pub sum: u64,
    /// Sum of the squares of the samples, exact for up to 2³² pixels of 16 bits;
    /// `u64::MAX` if it is larger.
    pub sum_of_squares: u64,
}

mod hexadecimal {
    use std::borrow::Cow;

    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(hash: &u128, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{hash:032x}"))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<u128, D::Error> {
        let digits = Cow::<str>::deserialize(from)?;
        u128::from_str_radix(&digits, 16).map_err(D::Error::custom)
    }
}

/// The percentiles as fractions.
const QUANTILES: [f64; PERCENTILES] = [0.001, 0.01, 0.5, 0.99, 0.999];

/// A position between two sorted samples, as `numpy.percentile(…, method="linear")`
/// defines it: at `rank`, plus `weight` of the distance to the next sample.
struct Quantile {
    rank: u64,
    weight: f64,
}

impl Quantile {
    fn new(fraction: f64, pixels: u64) -> Self {
        let position = fraction * pixels.saturating_sub(1) as f64;
        Self {
            rank: position.floor() as u64,
            weight: position - position.floor(),
        }
    }

    /// Interpolates between the samples at `rank` and at the next rank. Starts from the
    /// nearer of them, to round like NumPy.
    fn between(&self, values: [u16; 2]) -> f64 {
        let [lower, upper] = values.map(f64::from);
        let step = upper - lower;
        if self.weight < 0.5 {
            lower + step * self.weight
        } else {
            upper - step * (1.0 - self.weight)
        }
    }
}

fn statistics(plane: &[u8], shape: PlaneShape, scratch: &mut SummaryScratch) -> Statistics {
    let depth = shape.depth;
    let pixels = (plane.len() / depth.bytes_per_sample()) as u64;
    let quantiles = QUANTILES.map(|fraction| Quantile::new(fraction, pixels));
    let last = pixels.saturating_sub(1);
    let ranks = quantiles
        .each_ref()
        .map(|quantile| [quantile.rank, last.min(quantile.rank + 1)]);
    let found = scratch.distribution(plane, depth, &ranks);
    #[allow(
        clippy::indexing_slicing,
        reason = "all three arrays have `PERCENTILES` elements"
    )]
    let [p001, p01, p50, p99, p999]: [f64; PERCENTILES] =
        std::array::from_fn(|nth| quantiles[nth].between(found.at_ranks[nth]));
    let n = pixels.max(1) as f64;
    // n² times the variance is a difference of integers, so it is exact.
    let scaled_variance = u128::from(pixels) * found.sum_of_squares - found.sum * found.sum;
    Statistics {
        mean: found.sum as f64 / n,
        std: (scaled_variance as f64).sqrt() / n,
        min: found.min,
        max: found.max,
        p001,
        p01,
        p50,
        p99,
        p999,
        saturated: found.saturated as f64 / n,
        focus: focus(plane, shape),
        sum: u64::try_from(found.sum).unwrap_or(u64::MAX),
        sum_of_squares: u64::try_from(found.sum_of_squares).unwrap_or(u64::MAX),
    }
}

/// Measures and hashes a plane of `shape`: row-major `(y, x)`, 16-bit samples
/// little-endian, which is the layout that [`Decoder::decode`](crate::Decoder::decode)
/// writes. All statistics of an empty plane are 0.
#[must_use]
pub fn summarise(plane: &[u8], shape: PlaneShape, scratch: &mut SummaryScratch) -> PlaneSummary {
    PlaneSummary {
        statistics: statistics(plane, shape, scratch),
        xxh3_128: XxHash3_128::oneshot(plane),
    }
}
