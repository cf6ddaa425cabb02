//! The question and the answer of a distribution: ranks, and samples at them.

/// Number of percentiles.
pub(crate) const PERCENTILES: usize = 5;

/// For each percentile, the two ranks that it lies between. The rank of a sample is its
/// position among the sorted samples, counted from 0.
pub(crate) type Ranks = [[u64; 2]; PERCENTILES];

/// Sums, extremes and order statistics of the samples of a plane.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Distribution {
    pub(crate) sum: u128,
    pub(crate) sum_of_squares: u128,
    pub(crate) min: u16,
    pub(crate) max: u16,
    /// Number of samples that have the type's largest value.
    pub(crate) saturated: u64,
    /// The sample at each of the given ranks.
    pub(crate) at_ranks: [[u16; 2]; PERCENTILES],
}
