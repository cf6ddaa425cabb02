//! Tables in Parquet: rows as texts, and the batches that embeddings are read from.

pub(crate) mod cells;
mod pages;
mod shared_file;
mod table_file;
#[cfg(test)]
mod tests;

use std::panic::{AssertUnwindSafe, catch_unwind};

use arrow_array::RecordBatch;
use parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use parquet::file::metadata::ParquetMetaData;
use parquet::file::reader::ChunkReader;

use self::cells::Cells;
pub use self::pages::PageSizes;
use self::shared_file::SharedFile;
pub use self::table_file::TableFile;
use crate::error::TableFileError;
use crate::limits::Limits;
use crate::raw::RawTable;

/// The first bytes of a Parquet file.
pub(crate) const MAGIC: &[u8] = b"PAR1";

/// Most bytes of the unpacked pages that are in memory at the same time, one of each
/// column. Programs write pages of about 1 MiB.
const PAGES_AT_MOST: u64 = 1 << 30;
/// Most rows that are decoded at once.
const ROWS_IN_BATCH: u64 = 1024;
/// Most bytes of the texts or numbers of a batch, if each value is as large as a page.
const BATCH_AT_MOST: u64 = 1 << 30;

/// Reads the rows of a Parquet file as texts.
///
/// # Errors
/// [`TableFileError`]: the file is damaged, has other types or is beyond `limits`.
pub fn read_table(
    name: &str,
    file: impl TableFile,
    limits: Limits,
) -> Result<RawTable, TableFileError> {
    let mut table: Option<RawTable> = None;
    let mut bytes = 0u64;
    each_batch(name, file, limits, |batch| {
        let schema = batch.schema();
        let header = schema.fields().iter().map(|field| field.name().as_str());
        let table = match &mut table {
            Some(table) => table,
            None => table.insert(RawTable::with_header(name, 0, header, limits)?),
        };
        let fields = schema.fields().iter().zip(batch.columns());
        for ((field, cells), column) in fields.zip(&mut table.columns) {
            let cells = Cells::of(cells).ok_or_else(|| TableFileError::ColumnType {
                name: name.into(),
                column: field.name().clone(),
                found: field.data_type().to_string(),
            })?;
            for row in 0..batch.num_rows() {
                let cell = cells.text(row);
                bytes = bytes.saturating_add(cell.len() as u64);
                column.cells.push(&cell);
            }
        }
        for _ in 0..batch.num_rows() {
            let row = table.lines.len().saturating_add(1);
            table.lines.push(u32::try_from(row).unwrap_or(u32::MAX));
        }
        if bytes > limits.bytes {
            return Err(TableFileError::TooLarge {
                name: name.into(),
                line: table.lines.len() as u64,
                limit: limits.bytes,
            });
        }
        Ok(())
    })?;
    table.ok_or_else(|| TableFileError::NoRows { name: name.into() })
}

/// Calls `take` for the rows of a Parquet file, batch by batch.
///
/// The memory that the pages take is bounded before a page is unpacked. The Parquet
/// library should return an error for a damaged file and sometimes panics; the panic is
/// caught, because the program must report damaged files.
///
/// # Errors
/// The file cannot be read, or has more than the limits allow; or those of `take`.
pub fn each_batch<E: From<TableFileError>>(
    name: &str,
    file: impl TableFile,
    limits: Limits,
    take: impl FnMut(&RecordBatch) -> Result<(), E>,
) -> Result<(), E> {
    let read = AssertUnwindSafe(|| read(name, file, limits, take));
    catch_unwind(read).unwrap_or_else(|_| Err(parquet_error(name, "the file is damaged").into()))
}

fn read<E: From<TableFileError>>(
    name: &str,
    file: impl TableFile,
    limits: Limits,
    mut take: impl FnMut(&RecordBatch) -> Result<(), E>,
) -> Result<(), E> {
    let failed = |error: &dyn std::fmt::Display| parquet_error(name, &error.to_string());
    let file = SharedFile::new(file).map_err(|source| TableFileError::Read {
        name: name.into(),
        source,
    })?;
    // The types of Parquet, not those of an Arrow schema in its metadata.
    let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    let builder = ParquetRecordBatchReaderBuilder::try_new_with_options(file.clone(), options)
        .map_err(|error| failed(&error))?;
    let rows = u64::try_from(builder.metadata().file_metadata().num_rows()).unwrap_or(0);
    let columns = builder.schema().fields().len();
    limits.check_columns(name, 0, columns)?;
    limits.check_cells(name, rows, rows, columns)?;
    let pages = largest_pages(&file, builder.metadata(), limits.cells as u64)
        .ok_or_else(|| failed(&"the header of a page is damaged"))?;
    if pages > PAGES_AT_MOST {
        return Err(failed(&format!(
            "its pages take {pages} bytes of memory (expected at most {PAGES_AT_MOST}); \
             save it with smaller pages"
        ))
        .into());
    }
    // A value is not larger than a page.
    let rows_in_batch = (BATCH_AT_MOST / pages.max(1)).clamp(1, ROWS_IN_BATCH);
    let reader = builder
        .with_batch_size(usize::try_from(rows_in_batch).unwrap_or(1))
        .build();
    for batch in reader.map_err(|error| failed(&error))? {
        take(&batch.map_err(|error| failed(&error))?)?;
    }
    Ok(())
}

/// Bytes of the largest pages of all columns of a row group together; `None` where a
/// header of a page is damaged, or all columns have more than `values_at_most` values.
fn largest_pages(
    file: &SharedFile,
    metadata: &ParquetMetaData,
    values_at_most: u64,
) -> Option<u64> {
    let (mut largest, mut values) = (0u64, 0u64);
    for group in metadata.row_groups() {
        let mut pages = 0u64;
        for column in group.columns() {
            let (start, length) = column.byte_range();
            let sizes = PageSizes::measure(length, |offset, length| {
                file.get_bytes(start.checked_add(offset)?, length).ok()
            })?;
            values = values.saturating_add(sizes.values);
            pages = pages.saturating_add(sizes.largest);
        }
        largest = largest.max(pages);
    }
    (values <= values_at_most).then_some(largest)
}

/// Returns the error of a file that the Parquet library refuses.
pub fn parquet_error(name: &str, reason: &str) -> TableFileError {
    TableFileError::Parquet {
        name: name.into(),
        reason: reason.into(),
    }
}
