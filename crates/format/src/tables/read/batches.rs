//! The rows of a table, some thousands at a time.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use bytes::Bytes;
use parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use parquet::errors::ParquetError;

use super::batch::Batch;
use super::error::ReadTableError;

/// Rows decoded at a time.
const ROWS_IN_BATCH: usize = 4096;
/// Most rows for each byte of a table, even where most columns are blank. A table that
/// states more is refused, because it could exhaust the memory.
const ROWS_A_BYTE: usize = 16;
/// Number of rows that is accepted for a table of any size.
const ROWS_AT_LEAST: usize = 1 << 16;
/// Most bytes of text of a decoded table: far more than a kilobyte for each site of RxRx1.
const TEXT_BYTES_AT_MOST: usize = 4 << 30;

/// Calls `take` with the batches of a table that must have `expected` rows, and returns
/// its key-value metadata.
///
/// The Parquet library should return an error for a damaged file and sometimes panics. The
/// panic is caught, because the program must report damaged files.
pub(super) fn each_batch(
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
    // Take the types of Parquet, not those of the Arrow schema in its metadata.
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
    let key_values = file.key_value_metadata().into_iter().flatten();
    let key_values = key_values
        // A key without a value has the empty text.
        .map(|pair| (pair.key.clone(), pair.value.clone().unwrap_or_default()))
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
    Ok(key_values)
}
