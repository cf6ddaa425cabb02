//! Errors of reading tables.

use parquet::errors::ParquetError;

/// Cause that makes a table of a dataset unreadable.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadTableError {
    /// The object is not Parquet, or is damaged.
    #[error("{table} is not readable Parquet")]
    Parquet {
        /// The table's object key.
        table: &'static str,
        /// Error of the Parquet reader.
        source: ParquetError,
    },
    /// The Parquet reader panicked.
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
        /// Type that the column has, or `absent`.
        found: String,
        /// Type that it must have.
        expected: String,
    },
    /// The table is longer or shorter than the array.
    #[error("{table} has {found} rows, expected {expected}")]
    Rows {
        /// The table's object key.
        table: &'static str,
        /// Rows that it has or states.
        found: u64,
        /// Rows that it must have.
        expected: usize,
    },
    /// The decoded table would be larger than a table of its size can be.
    #[error("{table}: its {bytes} bytes decode to more than a table of a dataset can hold")]
    TooLarge {
        /// The table's object key.
        table: &'static str,
        /// Size of the object.
        bytes: usize,
    },
    /// A cell has an impossible value.
    #[error("{table}, row {row}, column {column}: {reason}")]
    Cell {
        /// The table's object key.
        table: &'static str,
        /// The row, from 0.
        row: usize,
        /// The column.
        column: String,
        /// Reason.
        reason: String,
    },
}

/// Makes an error of a cell.
pub(super) fn cell(
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
