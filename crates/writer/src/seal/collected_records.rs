//! The parts of the records that the labels and tables need.

use rxrx_format::{
    ChannelStats, ChannelSums, DisplayWindows, PlaneRow, PlanesTable, PlateRow, PlateSums,
    RowRules, SitePlace,
};
use rxrx_metadata::Plan;
use rxrx_storage::map_concurrent;

use super::error::SealError;
use crate::journal::{StoredUnit, UnitRecords};
use crate::refused::{RefusedImages, count_refused};

/// Sites whose records are in memory at once, a kilobyte each, unless a single
/// unit has more. With so many, several records of a journal that answers slowly
/// are read at once.
const SITES_AT_ONCE: usize = 1024;

/// The parts of the records of all units. The records are read unit by unit, in
/// array order: together they may be far larger than all that is made of them.
pub(super) struct CollectedRecords {
    /// For each site and channel, whether the plane was stored.
    pub(super) present: Vec<bool>,
    /// For each site, where it is stored.
    pub(super) places: Vec<SitePlace>,
    /// The rows of `plates.parquet`.
    pub(super) plates: Vec<PlateRow>,
    /// The rows of `channel_stats.parquet`.
    pub(super) channel_stats: Vec<ChannelStats>,
    /// The display windows of the channels.
    pub(super) windows: DisplayWindows,
    /// The bytes of `planes.parquet`.
    pub(super) planes: Vec<u8>,
    /// The images that could not be used.
    pub(super) refused: Vec<RefusedImages>,
}

impl CollectedRecords {
    /// Reads the records of `units`, which are all units in array order. `metadata`
    /// is the key-value metadata of the tables; `rules` tell groups of rows.
    pub(super) fn collect(
        plan: &Plan,
        units: &[StoredUnit],
        records: &UnitRecords<'_>,
        metadata: &[(&str, String)],
        rules: &RowRules,
    ) -> Result<Self, SealError> {
        let geometry = plan.geometry();
        let mut present = Vec::with_capacity(geometry.planes());
        let mut places = Vec::with_capacity(geometry.sites);
        let mut sums = ChannelSums::new(plan.table().columns(), geometry.channels, rules);
        let mut plates = PlateSums::new(plan.table().columns(), geometry.channels);
        let mut windows = DisplayWindows::new(geometry.channels, geometry.data_type);
        let mut planes = PlanesTable::new(plan, metadata)?;
        let mut refused = Vec::new();
        for units in units.chunks((SITES_AT_ONCE / geometry.shard_sites).max(1)) {
            let read = |unit: &StoredUnit| records.read_back::<SealError>(unit);
            for record in map_concurrent(units, records.jobs, read)? {
                places.extend(record.places(geometry.channels));
                count_refused(plan, &record, &mut refused);
                let rows: Vec<PlaneRow> = record.planes.into_iter().map(Into::into).collect();
                present.extend(rows.iter().map(PlaneRow::is_ok));
                rows.iter().for_each(|row| sums.add(row));
                rows.iter().for_each(|row| plates.add(row));
                rows.iter().for_each(|row| windows.add(row));
                planes.add(rows, &record.plane_ranges)?;
            }
        }
        Ok(Self {
            present,
            places,
            plates: plates.rows(geometry.plane_pixels()),
            channel_stats: sums.rows(geometry.plane_pixels()),
            windows,
            planes: planes.finish()?,
            refused,
        })
    }
}
