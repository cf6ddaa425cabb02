//! The records of a sealed dataset, taken from its tables.

use std::collections::BTreeMap;

use bytes::Bytes;
use rxrx_format::keys::{CHECKSUMS, PLANES, SITES, shard_key};
use rxrx_format::{
    Checksums, PlaneRow, ReadTableError, SitesTable, parse_checksums, planes_of, sites_of,
};
use rxrx_input::SourceStamp;
use rxrx_metadata::ArrayGeometry;
use rxrx_storage::{Store, StoreError};

use super::record::{PlaneRecord, UnitRecord};

/// The records of a sealed dataset cannot be taken from its tables.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecordedError {
    /// There is no such object.
    #[error("{object} is not there")]
    Absent {
        /// The object's key.
        object: String,
    },
    /// An object could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A table is not what it should be.
    #[error(transparent)]
    Table(#[from] ReadTableError),
    /// The list of checksums has a line that is none.
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
        /// What is wrong.
        reason: String,
    },
    /// A corrupt plane has no cause: the dataset has an older format.
    #[error("{PLANES} has no column cause")]
    NoCause,
}

/// Reads both tables of a dataset, and the checksums of its shards, back to the records that it was sealed with,
/// one for each unit, in array order.
///
/// `channels` are the names of the channels in array order. The tables hold the
/// size of each image file, and not its version.
///
/// # Errors
/// [`ReadTableError`]: an object is absent or unreadable, a table does not fit
/// `geometry` and `channels`, rows are not in order, a cell contradicts another.
pub(crate) fn read_records(
    store: &dyn Store,
    geometry: &ArrayGeometry,
    channels: &[String],
) -> Result<Vec<UnitRecord>, RecordedError> {
    let get = |key: &str| {
        let bytes = store.get(key)?.ok_or_else(|| RecordedError::Absent {
            object: key.to_owned(),
        })?;
        Ok::<Bytes, RecordedError>(bytes.into())
    };
    let sites = sites_of(get(SITES)?, geometry.sites)?;
    let planes = planes_of(get(PLANES)?, geometry.sites, channels)?;
    let objects = store.list()?;
    let sizes: BTreeMap<&str, u64> = objects
        .iter()
        .map(|object| (object.key.as_str(), object.size))
        .collect();
    let list = get(CHECKSUMS)?;
    let checksums = String::from_utf8_lossy(&list);
    let checksums =
        parse_checksums(&checksums).map_err(|line| RecordedError::Checksums { line })?;
    (0..geometry.shards())
        .map(|shard| unit_record(geometry, shard, &sites, &planes, &sizes, &checksums))
        .collect()
}

/// The one place where a record is put together again.
fn unit_record(
    geometry: &ArrayGeometry,
    shard: usize,
    sites: &SitesTable,
    planes: &[PlaneRow],
    sizes: &BTreeMap<&str, u64>,
    checksums: &Checksums,
) -> Result<UnitRecord, RecordedError> {
    let unit = geometry.unit(shard);
    let key = shard_key(shard);
    let absent = || RecordedError::Absent {
        object: key.clone(),
    };
    let bytes = *sizes.get(key.as_str()).ok_or_else(absent)?;
    let sha256 = *checksums.get(&key).ok_or_else(absent)?;
    let places = sites.places.get(unit.sites.clone()).unwrap_or_default();
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
    let channels = geometry.channels;
    let planes = planes.get(unit.sites.start * channels..unit.sites.end * channels);
    let planes = planes.unwrap_or_default().iter().map(plane_record);
    Ok(UnitRecord {
        unit,
        bytes,
        sha256,
        ranges: places.iter().map(|place| place.range.clone()).collect(),
        planes: planes.collect::<Result<_, _>>()?,
    })
}

/// The record of a plane, as far as its row tells.
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
