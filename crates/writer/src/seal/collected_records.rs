//! The parts of the records that the labels and tables need.

use std::io::Write;

use rxrx_format::keys::PLANES;
use rxrx_format::{
    ChannelStats, ChannelSums, DisplayWindows, PlaneRow, PlanesTable, PlateRow, PlateSums,
    RowRules, SitePlace,
};
use rxrx_metadata::Plan;
use rxrx_storage::StoreError;

use super::error::SealError;
use crate::journal::{StoredUnit, UnitRecords};
use crate::refused::{RefusedImages, count_refused};

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
    /// The images that could not be used.
    pub(super) refused: Vec<RefusedImages>,
}

impl CollectedRecords {
    /// Reads the records of `units`, which are all units in array order. `metadata`
    /// is the key-value metadata of the tables; `rules` tell groups of rows. The rows of
    /// `planes.parquet` are written to `planes_file`: they can be larger than the memory.
    pub(super) fn collect(
        plan: &Plan,
        units: &[StoredUnit],
        records: &UnitRecords<'_>,
        metadata: &[(&str, String)],
        rules: &RowRules,
        planes_file: &mut dyn Write,
    ) -> Result<Self, SealError> {
        let geometry = plan.geometry();
        let mut present = Vec::with_capacity(geometry.planes());
        let mut places = Vec::with_capacity(geometry.sites);
        let mut sums = ChannelSums::new(plan.table().columns(), geometry.channels, rules);
        let mut plates = PlateSums::new(plan.table().columns(), geometry.channels);
        let mut windows = DisplayWindows::new(geometry.channels, geometry.data_type);
        let mut planes = PlanesTable::new(plan, metadata)?;
        let mut refused = Vec::new();
        records.for_each::<SealError>(units, |record| {
            places.extend(record.places(geometry.channels));
            count_refused(plan, &record, &mut refused);
            let rows: Vec<PlaneRow> = record.planes.into_iter().map(Into::into).collect();
            present.extend(rows.iter().map(PlaneRow::is_ok));
            rows.iter().for_each(|row| sums.add(row));
            rows.iter().for_each(|row| plates.add(row));
            rows.iter().for_each(|row| windows.add(row));
            planes.add(rows, &record.plane_ranges)?;
            write(planes_file, &planes.take_written()?)
        })?;
        write(planes_file, &planes.finish()?)?;
        Ok(Self {
            present,
            places,
            plates: plates.rows(geometry.plane_pixels()),
            channel_stats: sums.rows(geometry.plane_pixels()),
            windows,
            refused,
        })
    }
}

/// Writes bytes of `planes.parquet`.
fn write(to: &mut dyn Write, bytes: &[u8]) -> Result<(), SealError> {
    let written = to.write_all(bytes);
    Ok(written.map_err(|error| StoreError::from_io("write", PLANES, error))?)
}
