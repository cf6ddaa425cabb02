//! The rows of a table, some thousands at a time.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use bytes::Bytes;
use parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use parquet::basic::Type;
use parquet::errors::ParquetError;
use parquet::file::metadata::ParquetMetaData;
use rxrx_metadata::PageSizes;

use super::batch::Batch;
use super::error::ReadTableError;

/// Rows decoded at a time.
const ROWS_IN_BATCH: usize = 4096;
/// Most rows for each byte of a table, even where most columns are blank. A table that
/// states more is refused, because it could exhaust the memory.
const ROWS_A_BYTE: usize = 16;
/// Number of rows that is accepted for a table of any size.
const ROWS_AT_LEAST: usize = 1 << 16;
/// Most bytes of text of a decoded table, and of its pages that are in memory at once,
/// beside [`BYTES_A_ROW`] for each row.
const BYTES_AT_LEAST: usize = 64 << 20;
/// A row of a metadata table can have as many bytes.
const BYTES_A_ROW: usize = 1 << 20;
/// Most bytes of text of a decoded table of any number of rows: far more than a kilobyte
/// for each site of RxRx1.
const BYTES_AT_MOST: usize = 4 << 30;

/// Calls `take` with the batches of a table that must have `expected` rows with
/// `values_a_row` values at most in a column, and returns its key-value metadata.
///
/// The Parquet library should return an error for a damaged file and sometimes panics. The
/// panic is caught, because the program must report damaged files.
pub(super) fn each_batch(
    table: &'static str,
    bytes: Bytes,
    expected: usize,
    values_a_row: usize,
    mut take: impl FnMut(&Batch) -> Result<(), ReadTableError>,
) -> Result<BTreeMap<String, String>, ReadTableError> {
    let read = AssertUnwindSafe(|| read(table, bytes, expected, values_a_row, &mut take));
    catch_unwind(read).unwrap_or(Err(ReadTableError::Unreadable { table }))
}

fn read(
    table: &'static str,
    bytes: Bytes,
    expected: usize,
    values_a_row: usize,
    take: &mut dyn FnMut(&Batch) -> Result<(), ReadTableError>,
) -> Result<BTreeMap<String, String>, ReadTableError> {
    let size = bytes.len();
    let parquet = |source| ReadTableError::Parquet { table, source };
    let too_large = || ReadTableError::TooLarge { table, bytes: size };
    // Take the types of Parquet, not those of the Arrow schema in its metadata.
    let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    let builder = ParquetRecordBatchReaderBuilder::try_new_with_options(bytes.clone(), options)
        .map_err(parquet)?;
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
    let values_at_most = expected.saturating_mul(values_a_row) as u64;
    let pages = Pages::of(&bytes, builder.metadata(), values_at_most).ok_or_else(too_large)?;
    let bytes_at_most = expected.saturating_mul(BYTES_A_ROW);
    let bytes_at_most = bytes_at_most
        .saturating_add(BYTES_AT_LEAST)
        .min(BYTES_AT_MOST);
    if pages.all > bytes_at_most as u64 {
        return Err(too_large());
    }
    // A value is not larger than a page, so that no batch has more text than that.
    let rows_in_batch = bytes_at_most as u64 / pages.texts.max(1);
    let rows_in_batch = usize::try_from(rows_in_batch).unwrap_or(usize::MAX);
    let reader = builder.with_batch_size(rows_in_batch.clamp(1, ROWS_IN_BATCH));
    let reader = reader.build();
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
        if text > bytes_at_most {
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

/// Unpacked pages that are in memory at the same time: one of each column.
struct Pages {
    /// Bytes of the largest pages of all columns together.
    all: u64,
    /// Bytes of those of the columns of text.
    texts: u64,
}

impl Pages {
    /// Measures the pages of all row groups; `None` where a header is damaged, or a column
    /// has more values than `values_at_most`.
    fn of(bytes: &[u8], metadata: &ParquetMetaData, values_at_most: u64) -> Option<Self> {
        let mut largest = Self { all: 0, texts: 0 };
        for group in metadata.row_groups() {
            let mut pages = Self { all: 0, texts: 0 };
            for column in group.columns() {
                let (start, length) = column.byte_range();
                let end = usize::try_from(start.checked_add(length)?).ok()?;
                let sizes = PageSizes::of(bytes.get(usize::try_from(start).ok()?..end)?)?;
                if sizes.values > values_at_most {
                    return None;
                }
                pages.all = pages.all.saturating_add(sizes.largest);
                if matches!(
                    column.column_type(),
                    Type::BYTE_ARRAY | Type::FIXED_LEN_BYTE_ARRAY
                ) {
                    pages.texts = pages.texts.saturating_add(sizes.largest);
                }
            }
            largest.all = largest.all.max(pages.all);
            largest.texts = largest.texts.max(pages.texts);
        }
        Some(largest)
    }
}
