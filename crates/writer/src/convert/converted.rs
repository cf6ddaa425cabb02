//! The result of a conversion.

use rxrx_format::PlaneCounts;

use crate::journal::StoredUnit;
use crate::refused::RefusedImages;

/// A sealed dataset.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Converted {
    /// Sites of the dataset.
    pub sites: usize,
    /// Sites that an earlier run had converted.
    pub sites_before: usize,
    /// Shards written.
    pub shards: usize,
    /// Number of planes with each result.
    pub planes: PlaneCounts,
    /// Bytes read from image files.
    pub source_bytes: u64,
    /// Bytes of the shards.
    pub stored_bytes: u64,
    /// Bytes of the overviews.
    pub overview_bytes: u64,
    /// Images that could not be used, by cause.
    pub refused: Vec<RefusedImages>,
    /// How the dataset, which was complete before, is described otherwise than it would be
    /// now; one line each. It stays as it is.
    pub described_otherwise: Vec<String>,
}

impl Converted {
    /// Counts `units`, which are all units of a dataset of so many `sites`.
    pub(super) fn of(
        sites: usize,
        sites_before: usize,
        units: &[StoredUnit],
        refused: Vec<RefusedImages>,
    ) -> Self {
        Self {
            sites,
            sites_before,
            shards: units.len(),
            planes: units.iter().map(|unit| unit.planes).sum(),
            source_bytes: units.iter().map(|unit| unit.source_bytes).sum(),
            stored_bytes: units.iter().map(|unit| unit.bytes).sum(),
            overview_bytes: units.iter().map(|unit| unit.overview_bytes).sum(),
            refused,
            described_otherwise: Vec::new(),
        }
    }
}
