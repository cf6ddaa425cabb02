//! Errors of tables that are read back.

use parquet::errors::ParquetError;

/// A table of a dataset cannot be read back.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadTableError {
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
