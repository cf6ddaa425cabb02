//! The records of the units of a sealed dataset, made from its tables.

use std::collections::BTreeMap;

use bytes::Bytes;
use rxrx_format::keys::{CHECKSUMS, PLANES, SITES, bytes_at_most, overview_key, shard_key};
use rxrx_format::{
    Checksums, PlaneRow, PlanesRead, ReadTableError, Sha256Sum, SitesTable, parse_checksums,
    planes_of, sites_of,
};
use rxrx_input::SourceStamp;
use rxrx_metadata::ArrayGeometry;
use rxrx_storage::{Store, StoreError};

use super::record::{OverviewRecord, PlaneRecord, StoredUnit, UnitRecord};

/// The records of a sealed dataset cannot be made from its tables.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecordedError {
    /// An object is absent.
    #[error("{object} is not there")]
    Absent {
        /// The object's key.
        object: String,
    },
    /// An object could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A table cannot be read.
    #[error(transparent)]
    Table(#[from] ReadTableError),
    /// A line of the list of checksums cannot be parsed.
    #[error("{CHECKSUMS}, line {line}: not a checksum and a key")]
    Checksums {
        /// The line, from 1.
        line: usize,
    },
    /// The table of sites contradicts the layout or the shard.
    #[error("{SITES}, row {row}, column shard: {reason}")]
    Place {
        /// The row, from 0.
        row: usize,
        /// The contradiction.
        reason: String,
    },
    /// The array has no such unit: a defect of the program.
    #[error("the array has no shard {shard}")]
    NoUnit {
        /// Number of the shard.
        shard: usize,
    },
    /// A shard, or its rows, changed during the run.
    #[error(
        "{object} or its rows in {SITES}, {PLANES} or {CHECKSUMS} changed during the run: nothing \
         is sealed, run the same command again"
    )]
    Changed {
        /// Key of the shard.
        object: String,
    },
    /// A corrupt plane has no cause: the dataset has an older format.
    #[error("{PLANES} has no column cause")]
    NoCause,
    /// The bytes of planes are not recorded.
    #[error(
        "{PLANES} has no columns object, byte_offset and byte_length; convert again with --overwrite"
    )]
    NoPlaces,
}

/// The tables of a sealed dataset, from which the records of its units can be made
/// again.
///
/// While a dataset is sealed once more, each table is replaced as a whole, and the
/// rows of units that stay are the same in both. So their records can be read
/// before, during and after that.
#[derive(Debug)]
pub(crate) struct RecordedUnits {
    geometry: ArrayGeometry,
    sites: SitesTable,
    planes: PlanesRead,
    /// Sizes of the objects in bytes, by key.
    sizes: BTreeMap<String, u64>,
    checksums: Checksums,
}

impl RecordedUnits {
    /// Reads the tables and the list of checksums in `store`. `channels` are the
    /// names of the channels in array order.
    ///
    /// # Errors
    /// [`RecordedError`] when an object is absent or unreadable, a table does not
    /// fit `geometry` and `channels`, or its rows are not in order.
    pub(crate) fn read(
        store: &dyn Store,
        geometry: &ArrayGeometry,
        channels: &[String],
    ) -> Result<Self, RecordedError> {
        let get = |key: &str| {
            let bytes = store.get_at_most(key, bytes_at_most(key))?;
            let bytes = bytes.ok_or_else(|| RecordedError::Absent {
                object: key.to_owned(),
            })?;
            Ok::<Bytes, RecordedError>(bytes.into())
        };
        let list = get(CHECKSUMS)?;
        let list = String::from_utf8_lossy(&list);
        let objects = store.list()?.into_iter();
        Ok(Self {
            geometry: geometry.clone(),
            sites: sites_of(get(SITES)?, geometry.sites)?,
            planes: planes_of(get(PLANES)?, geometry, channels)?,
            sizes: objects.map(|object| (object.key, object.size)).collect(),
            checksums: parse_checksums(&list).map_err(|line| RecordedError::Checksums { line })?,
        })
    }

    /// Returns the record of the unit of a shard. The tables hold the size of each
    /// image file, and not its version.
    ///
    /// # Errors
    /// [`RecordedError`] when the shard is absent, or the tables contradict it or
    /// the layout.
    pub(crate) fn record(&self, shard: usize) -> Result<UnitRecord, RecordedError> {
        let unit = self.geometry.unit(shard);
        let key = shard_key(shard);
        let (bytes, sha256) = self.object(&key)?;
        let overview = self.object(&overview_key(shard))?;
        let channels = self.geometry.channels;
        let planes = unit.sites.start * channels..unit.sites.end * channels;
        // Both tables were read with as many rows as the array has.
        let rows = self.sites.places.get(unit.sites.clone());
        let plane_rows = self.planes.rows.get(planes.clone());
        let (Some(places), Some(plane_rows)) = (rows, plane_rows) else {
            return Err(RecordedError::NoUnit { shard });
        };
        let plane_ranges = self.planes.places.get(planes).unwrap_or_default();
        if self.geometry.has_plane_chunks() && plane_ranges.is_empty() {
            return Err(RecordedError::NoPlaces);
        }
        for (row, place) in unit.sites.clone().zip(places) {
            let reason = if *place.shard != *key {
                format!("{:?}, expected {key:?}", place.shard)
            } else if place.range.end > bytes {
                format!(
                    "bytes {} to {} of an object of {bytes}",
                    place.range.start, place.range.end
                )
            } else {
                continue;
            };
            return Err(RecordedError::Place { row, reason });
        }
        Ok(UnitRecord {
            bytes,
            sha256,
            version: None,
            job: None,
            overview: OverviewRecord {
                bytes: overview.0,
                sha256: overview.1,
                version: None,
            },
            ranges: places.iter().map(|place| place.range.clone()).collect(),
            plane_ranges: plane_ranges.to_vec(),
            planes: plane_rows
                .iter()
                .map(plane_record)
                .collect::<Result<_, _>>()?,
            unit,
        })
    }

    /// Returns the size of an object in bytes, and its recorded checksum.
    fn object(&self, key: &str) -> Result<(u64, Sha256Sum), RecordedError> {
        let known = self.sizes.get(key).zip(self.checksums.get(key));
        let absent = || RecordedError::Absent {
            object: key.to_owned(),
        };
        known
            .map(|(bytes, sha256)| (*bytes, *sha256))
            .ok_or_else(absent)
    }

    /// Returns the record of each unit in array order.
    pub(crate) fn records(&self) -> impl Iterator<Item = Result<UnitRecord, RecordedError>> {
        (0..self.geometry.shards()).map(|shard| self.record(shard))
    }

    /// Returns the record of a unit that was found before.
    ///
    /// # Errors
    /// [`RecordedError::Changed`] when the record is another one now.
    pub(crate) fn read_back(&self, stored: &StoredUnit) -> Result<UnitRecord, RecordedError> {
        let record = self.record(stored.unit.shard)?;
        if StoredUnit::from(&record) == *stored {
            Ok(record)
        } else {
            Err(RecordedError::Changed {
                object: stored.shard_key(),
            })
        }
    }
}

/// Returns the record of a plane, as far as its row in the table has it.
fn plane_record(row: &PlaneRow) -> Result<PlaneRecord, RecordedError> {
    let stamp = |bytes: u64| SourceStamp {
        bytes,
        version: None,
    };
    Ok(match row {
        PlaneRow::Ok {
            source_bytes,
            summary,
        } => PlaneRecord::Ok {
            source: stamp(*source_bytes),
            summary: *summary,
        },
        PlaneRow::Missing => PlaneRecord::Missing,
        PlaneRow::Unreadable { error } => PlaneRecord::Unreadable {
            error: error.clone(),
        },
        PlaneRow::Corrupt {
            source_bytes,
            error,
            cause,
        } => PlaneRecord::Corrupt {
            source: source_bytes.map(stamp),
            error: error.clone(),
            cause: cause.clone().ok_or(RecordedError::NoCause)?.into(),
        },
    })
}

#[cfg(test)]
mod tests;
