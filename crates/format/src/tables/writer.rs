//! Encoding of any table of a dataset.

use std::sync::Arc;

use arrow_array::{ArrayRef, Int32Array, RecordBatch};
use arrow_schema::{ArrowError, DataType, Schema};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::{KeyValue, SortingColumn};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;

use super::encodings::without_dictionary;

/// Most sites of a row group. All groups of a table are equal, so each has between half
/// of this and this.
const SITES_IN_GROUP: usize = 16 * 1024;

/// Rows of a data page, the unit that a reader can skip by the page index.
pub(super) const ROWS_IN_PAGE: usize = 2048;

/// A table could not be built: a defect of the program, or memory ran out.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TableError {
    /// A table was given other rows than its array has sites.
    #[error("cannot build table {table}: {found} rows, expected {expected}")]
    Rows {
        /// The table's object key.
        table: &'static str,
        /// Rows given.
        found: usize,
        /// Sites of the array.
        expected: usize,
    },
    /// Columns and schema do not fit together.
    #[error("cannot build table {table}")]
    Columns {
        /// The table's object key.
        table: &'static str,
        /// Error of Arrow.
        source: ArrowError,
    },
    /// The Parquet writer failed.
    #[error("cannot encode table {table}")]
    Parquet {
        /// The table's object key.
        table: &'static str,
        /// Error of the Parquet writer.
        source: ParquetError,
    },
}

/// A table being encoded, one row group at a time.
pub(super) struct TableWriter {
    table: &'static str,
    schema: Arc<Schema>,
    writer: ArrowWriter<Vec<u8>>,
}

impl TableWriter {
    /// Begins a table. `bloom` names the columns that get a Bloom filter, each with the
    /// number of distinct values expected in one row group; `key_values` is the
    /// key-value metadata.
    pub(super) fn new(
        table: &'static str,
        schema: Schema,
        bloom: &[(String, usize)],
        key_values: &[(&str, String)],
    ) -> Result<Self, TableError> {
        let key_values = key_values
            .iter()
            .map(|(key, value)| KeyValue::new((*key).to_owned(), value.clone()));
        let mut properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_statistics_enabled(EnabledStatistics::Page)
            .set_data_page_row_count_limit(ROWS_IN_PAGE)
            .set_write_batch_size(ROWS_IN_PAGE)
            .set_max_row_group_row_count(None)
            .set_sorting_columns(Some(vec![SortingColumn {
                column_idx: 0,
                descending: false,
                nulls_first: false,
            }]))
            .set_key_value_metadata(Some(key_values.collect()));
        for field in schema.fields() {
            let Some(encoding) = without_dictionary(field) else {
                continue;
            };
            let path = match field.data_type() {
                DataType::FixedSizeList(element, _) => {
                    let below = ["list", element.name()].map(str::to_owned);
                    [field.name().clone()].into_iter().chain(below).collect()
                }
                _ => vec![field.name().clone()],
            };
            let path = ColumnPath::from(path);
            properties = properties
                .set_column_dictionary_enabled(path.clone(), false)
                .set_column_encoding(path, encoding);
        }
        for (column, distinct) in bloom {
            let path = ColumnPath::from(column.as_str());
            properties = properties
                .set_column_bloom_filter_enabled(path.clone(), true)
                .set_column_bloom_filter_max_ndv(path, *distinct as u64);
        }
        let schema = Arc::new(schema);
        let writer = ArrowWriter::try_new(Vec::new(), schema.clone(), Some(properties.build()))
            .map_err(|source| TableError::Parquet { table, source })?;
        Ok(Self {
            table,
            schema,
            writer,
        })
    }

    /// Appends `columns` as one row group.
    pub(super) fn write_group(&mut self, columns: Vec<ArrayRef>) -> Result<(), TableError> {
        self.write_rows(columns)?;
        self.end_group()
    }

    /// Appends `columns` to the row group. If more rows of the group follow, these must
    /// be whole pages: then the bytes are the same as with all rows at once.
    pub(super) fn write_rows(&mut self, columns: Vec<ArrayRef>) -> Result<(), TableError> {
        let table = self.table;
        let batch = RecordBatch::try_new(self.schema.clone(), columns)
            .map_err(|source| TableError::Columns { table, source })?;
        let written = self.writer.write(&batch);
        written.map_err(|source| TableError::Parquet { table, source })
    }

    /// Ends the row group.
    pub(super) fn end_group(&mut self) -> Result<(), TableError> {
        let table = self.table;
        let ended = self.writer.flush();
        ended.map_err(|source| TableError::Parquet { table, source })
    }

    /// Takes the bytes of the row groups that have ended, so that they need not stay in memory.
    pub(super) fn take_written(&mut self) -> Result<Vec<u8>, TableError> {
        let table = self.table;
        let flushed = self.writer.sync();
        flushed.map_err(|source| TableError::Parquet {
            table,
            source: source.into(),
        })?;
        Ok(std::mem::take(self.writer.inner_mut()))
    }

    /// Returns the bytes of the table that were not taken.
    pub(super) fn finish(self) -> Result<Vec<u8>, TableError> {
        let table = self.table;
        self.writer
            .into_inner()
            .map_err(|source| TableError::Parquet { table, source })
    }
}

/// Demands one row for each site.
pub(super) fn check_rows(
    table: &'static str,
    found: usize,
    expected: usize,
) -> Result<(), TableError> {
    if found == expected {
        return Ok(());
    }
    Err(TableError::Rows {
        table,
        found,
        expected,
    })
}

/// Returns the column `site_index` of some sites. A plan has fewer than 2^31 of them.
pub(super) fn site_indices(sites: std::ops::Range<usize>) -> Int32Array {
    Int32Array::from_iter_values(sites.map(|site| site as i32))
}

/// Returns the sites of each row group: as few groups as possible, of equal size.
pub(super) fn site_groups(sites: usize) -> impl Iterator<Item = std::ops::Range<usize>> {
    let groups = sites.div_ceil(SITES_IN_GROUP).max(1);
    let length = sites.div_ceil(groups).max(1);
    (0..sites)
        .step_by(length)
        .map(move |start| start..sites.min(start + length))
}
