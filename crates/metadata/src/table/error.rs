//! Errors of reading a table.

use rxrx_tables::{TableFileError, listed};
use thiserror::Error;

use crate::names::error::NamesError;

/// Reason why a table cannot be used. Every message names the file.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum MetadataError {
    /// The file cannot be read as a table.
    #[error(transparent)]
    File(#[from] TableFileError),
    /// Required columns are missing.
    #[error(
        "{name} has no column {}; its header is {}",
        listed(missing),
        listed(header)
    )]
    MissingColumns {
        /// The file.
        name: String,
        /// The names that are missing.
        missing: Vec<String>,
        /// The names that are there.
        header: Vec<String>,
    },
    /// A column has a name that the table cannot have.
    #[error(
        "{name} line {line}, column {position}: the name {column:?} {reason}; rename the column"
    )]
    ColumnName {
        /// The file.
        name: String,
        /// Line of the header.
        line: u64,
        /// Position of the column, from 1.
        position: usize,
        /// Its name.
        column: String,
        /// The reason, a predicate of the name.
        reason: String,
    },
    /// A required value is malformed.
    #[error("{name} line {line}, column {column:?}: {value:?} is not {what} ({expected})")]
    Value {
        /// The file.
        name: String,
        /// Line on which the row begins, from 1.
        line: u64,
        /// Name of the column.
        column: &'static str,
        /// The text found.
        value: String,
        /// The thing that it should be.
        what: &'static str,
        /// The form of such a value.
        expected: &'static str,
    },
    /// A cell of an embedding is not a number.
    #[error("{name} line {line}, column {column:?}: {value:?} is not a finite number of 32 bits")]
    Number {
        /// The file.
        name: String,
        /// Line on which the row begins, from 1.
        line: u64,
        /// Name of the column.
        column: String,
        /// The text found.
        value: String,
    },
    /// Embeddings are by well, but a well has several sites.
    #[error(
        "{name} has embeddings by well_id, but {first} and {second} of {table} are sites of one \
         well; use a table with site_id, or choose one site of each well with --include"
    )]
    WellOfSeveralSites {
        /// The table of embeddings.
        name: String,
        /// The table of sites.
        table: String,
        /// A site of the well.
        first: String,
        /// Another one.
        second: String,
    },
    /// A column of a table of embeddings does not hold numbers of a vector.
    #[error(
        "{name}: column {column:?} is of type {found} (expected floats, or one column of lists of \
         floats); leave it out"
    )]
    VectorType {
        /// The file.
        name: String,
        /// The column.
        column: String,
        /// Its type, as Arrow names it.
        found: String,
    },
    /// A list of numbers is longer or shorter than those before.
    #[error("{name} row {line}: the embedding has {found} numbers (expected {expected})")]
    VectorLength {
        /// The file.
        name: String,
        /// The row, from 1.
        line: u64,
        /// Numbers in the list.
        found: usize,
        /// Numbers in the first list.
        expected: usize,
    },
    /// The paths in the table cannot be used.
    #[error("cannot use the paths in {name}")]
    Paths {
        /// The table.
        name: String,
        /// The reason.
        source: NamesError,
    },
    /// Two tables that are joined have a column of one name.
    #[error("{name} has the column {column:?}, which {table} has, too; rename it in one of them")]
    ColumnInBoth {
        /// The file that is joined.
        name: String,
        /// The column.
        column: String,
        /// The other table.
        table: String,
    },
    /// Two rows of a table that is joined have the same values.
    #[error("{name} lines {first} and {second} are both {key} (expected one line for each)")]
    JoinedTwice {
        /// The file.
        name: String,
        /// Line of the first row.
        first: u64,
        /// Line of the second row.
        second: u64,
        /// The values.
        key: String,
    },
    /// A file is neither a table of wells nor a grid.
    #[error(
        "{name} is no plate map: it has neither a column \"well\" nor a grid of 8 x 12, 16 x 24 \
         or 32 x 48 wells; its first row is {}",
        listed(header)
    )]
    NotAPlatemap {
        /// The file.
        name: String,
        /// The first row.
        header: Vec<String>,
    },
    /// A table of embeddings has no column but the site ids.
    #[error(
        "{name} has no column of numbers (expected site_id and one column for each number of an embedding)"
    )]
    NoVectors {
        /// The file.
        name: String,
    },
    /// Two rows describe one site.
    #[error("{name} lines {first} and {second} are both {key} (expected one line for each site)")]
    DuplicateSite {
        /// The file.
        name: String,
        /// Line of the first row.
        first: u64,
        /// Line of the second row.
        second: u64,
        /// The site.
        key: String,
    },
    /// Two sites have one id.
    #[error("{name} lines {first} and {second} have the same site_id {site_id:?}")]
    DuplicateSiteId {
        /// The file.
        name: String,
        /// Line of the first row.
        first: u64,
        /// Line of the second row.
        second: u64,
        /// The id.
        site_id: String,
    },
}
