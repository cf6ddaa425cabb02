//! What the labels and tables need of the records.

use rayon::prelude::*;
use rxrx_format::{ChannelStats, ChannelSums, PlaneRow, PlanesTable, SitePlace};
use rxrx_metadata::Plan;

use super::SealError;
use crate::journal::{Journal, StoredUnit, UnitRecord};
use crate::refused::{RefusedImages, count_refused};

/// Sites whose records are in memory at once, a kilobyte each, unless a single
/// unit has more: enough that a journal that answers slowly is asked for several
/// units at a time.
const SITES_AT_ONCE: usize = 1024;

/// Taken from the records unit by unit, in array order: together they may be far
/// larger than anything that is made of them.
pub(super) struct Gathered {
    /// For each site and channel, whether the plane was stored.
    pub(super) present: Vec<bool>,
    /// For each site, where it is stored.
    pub(super) places: Vec<SitePlace>,
    pub(super) channel_stats: Vec<ChannelStats>,
    /// `planes.parquet`.
    pub(super) planes: Vec<u8>,
    pub(super) refused: Vec<RefusedImages>,
}

impl Gathered {
    /// Reads the records of `units`, which are all units in array order.
    pub(super) fn new(
        plan: &Plan,
        units: &[StoredUnit],
        journal: &Journal<'_>,
        notes: &[(&str, String)],
    ) -> Result<Self, SealError> {
        let geometry = plan.geometry();
        let mut present = Vec::with_capacity(geometry.planes());
        let mut places = Vec::with_capacity(geometry.sites);
        let mut sums = ChannelSums::new(plan.table().columns(), geometry.channels);
        let mut planes = PlanesTable::new(plan, notes)?;
        let mut refused = Vec::new();
        for units in units.chunks((SITES_AT_ONCE / geometry.shard_sites).max(1)) {
            let records = units.par_iter().map(|unit| journal.read_back(unit));
            let records: Vec<UnitRecord> = records.collect::<Result<_, _>>()?;
            for record in records {
                places.extend(record.places(geometry.channels));
                count_refused(plan, &record, &mut refused);
                let rows: Vec<PlaneRow> = record.planes.into_iter().map(Into::into).collect();
                present.extend(rows.iter().map(PlaneRow::is_ok));
                rows.iter().for_each(|row| sums.add(row));
                planes.add(rows)?;
            }
        }
        let pixels = geometry.height as u64 * geometry.width as u64;
        Ok(Self {
            present,
            places,
            channel_stats: sums.rows(pixels),
            planes: planes.finish()?,
            refused,
        })
    }
}
