//! The tables back to the records that they were made from.
//!
//! Nothing of a table is believed: it may be damaged, or not ours. Memory is
//! bounded by the size of the object and [`TEXT_BYTES_AT_MOST`].

mod batch;
mod channel_stats;
mod embeddings;
mod planes;
mod sites;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use bytes::Bytes;
use parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use parquet::errors::ParquetError;
use rxrx_metadata::ArrayGeometry;

use self::batch::Batch;
pub(crate) use self::channel_stats::channel_stats_of;
pub(crate) use self::embeddings::embeddings_of;
pub(crate) use self::planes::planes_of;
pub(crate) use self::sites::{SitesTable, sites_of};
use super::{CHANNEL_STATS, EMBEDDINGS, PLANES, SITES};
use crate::checksums::{Checksums, parse_checksums};
use crate::hierarchy::CHECKSUMS;
use crate::record::{PlaneRecord, UnitRecord};
use crate::store::{Store, StoreError};

/// Rows decoded at a time.
const ROWS_IN_BATCH: usize = 4096;
/// No table of ours has more rows than this for each of its bytes, even where
/// most of its columns are blank; one that claims to is a bomb.
const ROWS_A_BYTE: usize = 16;
/// Rows that are never too many.
const ROWS_AT_LEAST: usize = 1 << 16;
/// Text that a table may unfold to: a kilobyte for each site of RxRx1, and
/// much to spare.
const TEXT_BYTES_AT_MOST: usize = 4 << 30;

/// A table of a dataset cannot be read back.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadTableError {
    /// There is no such object.
    #[error("{object} is not there")]
    Absent {
        /// The object's key.
        object: String,
    },
    /// The object could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It is no Parquet file, or a damaged one.
    #[error("{table} is not readable Parquet")]
    Parquet {
        /// The table's object key.
        table: &'static str,
        /// What the Parquet reader said.
        source: ParquetError,
    },
    /// It made the Parquet reader give up without an error.
    #[error("{table} is damaged such that the Parquet reader cannot go on")]
    Unreadable {
        /// The table's object key.
        table: &'static str,
    },
    /// A column is missing or of another type.
    #[error("{table}: column {column} is {found}, expected {expected}")]
    Column {
        /// The table's object key.
        table: &'static str,
        /// The column.
        column: String,
        /// What there is.
        found: String,
        /// What there should be.
        expected: String,
    },
    /// The table is longer or shorter than the array.
    #[error("{table} has {found} rows, expected {expected}")]
    Rows {
        /// The table's object key.
        table: &'static str,
        /// Rows that it has, or says it has.
        found: u64,
        /// Rows that it should have.
        expected: usize,
    },
    /// It would unfold to more than a table of its size can hold.
    #[error("{table}: its {bytes} bytes unfold to more than any table of ours")]
    TooLarge {
        /// The table's object key.
        table: &'static str,
        /// Size of the object.
        bytes: usize,
    },
    /// The list of checksums has a line that is none.
    #[error("{CHECKSUMS}, line {line}: not a checksum and a key")]
    Checksums {
        /// The line, from 1.
        line: usize,
    },
    /// A cell holds what it must not.
    #[error("{table}, row {row}, column {column}: {reason}")]
    Cell {
        /// The table's object key.
        table: &'static str,
        /// The row, from 0.
        row: usize,
        /// The column.
        column: String,
        /// What is wrong.
        reason: String,
    },
}

/// Reads both tables of a dataset, and the checksums of its shards, back to the records that it was sealed with,
/// one for each unit, in array order.
///
/// `channels` are the names of the channels in array order. What the tables do
/// not hold, the cause of a corrupt plane, is `recorded`.
///
/// # Errors
/// [`ReadTableError`]: an object is absent or unreadable, a table does not fit
/// `geometry` and `channels`, rows are not in order, a cell contradicts another.
pub(crate) fn read_records(
    store: &dyn Store,
    geometry: &ArrayGeometry,
    channels: &[String],
) -> Result<Vec<UnitRecord>, ReadTableError> {
    let get = |key: &str| {
        let bytes = store.get(key)?.ok_or_else(|| ReadTableError::Absent {
            object: key.to_owned(),
        })?;
        Ok::<Bytes, ReadTableError>(bytes.into())
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
        parse_checksums(&checksums).map_err(|line| ReadTableError::Checksums { line })?;
    (0..geometry.shards())
        .map(|shard| unit_record(geometry, shard, &sites, &planes, &sizes, &checksums))
        .collect()
}

/// The one place where a record is put together again.
fn unit_record(
    geometry: &ArrayGeometry,
    shard: usize,
    sites: &SitesTable,
    planes: &[PlaneRecord],
    sizes: &BTreeMap<&str, u64>,
    checksums: &Checksums,
) -> Result<UnitRecord, ReadTableError> {
    let unit = geometry.unit(shard);
    let key = unit.shard_key();
    let absent = || ReadTableError::Absent {
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
        return Err(cell(SITES, row, "shard", reason));
    }
    let channels = geometry.channels;
    let planes = planes.get(unit.sites.start * channels..unit.sites.end * channels);
    Ok(UnitRecord {
        unit,
        bytes,
        sha256,
        ranges: places.iter().map(|place| place.range.clone()).collect(),
        planes: planes.unwrap_or_default().to_vec(),
    })
}

fn cell(
    table: &'static str,
    row: usize,
    column: &str,
    reason: impl Into<String>,
) -> ReadTableError {
    ReadTableError::Cell {
        table,
        row,
        column: column.to_owned(),
        reason: reason.into(),
    }
}

/// Runs `take` over the batches of a table that must have `expected` rows, and
/// returns its key-value metadata.
///
/// The Parquet library promises an error for a damaged file, and now and then
/// panics instead; that must not bring down a program whose work is to look
/// at damaged files.
fn each_batch(
    table: &'static str,
    bytes: Bytes,
    expected: usize,
    mut take: impl FnMut(&Batch) -> Result<(), ReadTableError>,
) -> Result<BTreeMap<String, String>, ReadTableError> {
    let read = AssertUnwindSafe(|| read(table, bytes, expected, &mut take));
    catch_unwind(read).unwrap_or(Err(ReadTableError::Unreadable { table }))
}

fn read(
    table: &'static str,
    bytes: Bytes,
    expected: usize,
    take: &mut dyn FnMut(&Batch) -> Result<(), ReadTableError>,
) -> Result<BTreeMap<String, String>, ReadTableError> {
    let size = bytes.len();
    let parquet = |source| ReadTableError::Parquet { table, source };
    let too_large = || ReadTableError::TooLarge { table, bytes: size };
    // The types are those of Parquet, not of a schema that lies beside them.
    let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    let builder =
        ParquetRecordBatchReaderBuilder::try_new_with_options(bytes, options).map_err(parquet)?;
    let file = builder.metadata().file_metadata();
    let rows_found = |found| ReadTableError::Rows {
        table,
        found,
        expected,
    };
    let rows = usize::try_from(file.num_rows()).ok();
    if rows != Some(expected) {
        return Err(rows_found(u64::try_from(file.num_rows()).unwrap_or(0)));
    }
    if expected > size.saturating_mul(ROWS_A_BYTE).max(ROWS_AT_LEAST) {
        return Err(too_large());
    }
    let notes = file.key_value_metadata().into_iter().flatten();
    let notes = notes
        .map(|note| (note.key.clone(), note.value.clone().unwrap_or_default()))
        .collect();
    let reader = builder.with_batch_size(ROWS_IN_BATCH).build();
    let mut first_row = 0;
    let mut text = 0usize;
    for rows in reader.map_err(parquet)? {
        let rows = rows.map_err(|error| parquet(ParquetError::ArrowError(error.to_string())))?;
        let batch = Batch {
            table,
            first_row,
            rows,
        };
        text = text.saturating_add(batch.text_bytes());
        if text > TEXT_BYTES_AT_MOST {
            return Err(too_large());
        }
        first_row += batch.rows.num_rows();
        if first_row > expected {
            return Err(rows_found(first_row as u64));
        }
        take(&batch)?;
    }
    if first_row != expected {
        return Err(rows_found(first_row as u64));
    }
    Ok(notes)
}
