//! Errors of reading a table.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use crate::excerpt::excerpt;

/// Why a table cannot be used. Every message names the file.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum MetadataError {
    /// The file cannot be opened or read.
    #[error("cannot read {}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// What the operating system or the decompressor said.
        source: io::Error,
    },
    /// The file begins like a zip archive but is none that can be read.
    #[error("cannot read {name} as a zip archive")]
    Archive {
        /// The archive.
        name: String,
        /// What is wrong with it.
        source: zip::result::ZipError,
    },
    /// The archive holds no table, or several and none or two have the right name.
    #[error(
        "{name} must hold one .csv file, or one named {expected}; it holds {}",
        listed(found)
    )]
    ArchiveTables {
        /// The archive.
        name: String,
        /// What the table is called where there are several.
        expected: &'static str,
        /// The `.csv` files in it.
        found: Vec<String>,
    },
    /// Reading failed midway.
    #[error("cannot read {name}")]
    Read {
        /// The file.
        name: String,
        /// The cause.
        source: io::Error,
    },
    /// The CSV reader gave up.
    #[error("cannot read {name} as CSV: {reason}")]
    Csv {
        /// The file.
        name: String,
        /// What it said.
        reason: String,
    },
    /// It is not a regular file: a folder, a pipe, a device.
    #[error("{} is no regular file; save the table as one", path.display())]
    NotAFile {
        /// The path.
        path: PathBuf,
    },
    /// More text than a table of sites can have.
    #[error(
        "{name} has more than {limit} bytes of text (line {line} is where they are reached); \
         leave out columns, or convert the experiments in parts"
    )]
    TooLarge {
        /// The file.
        name: String,
        /// Line on which the limit is reached, from 1.
        line: u64,
        /// Most bytes.
        limit: u64,
    },
    /// A row without end.
    #[error(
        "{name} line {line}: the row that begins here is longer than {limit} bytes; \
         is it a table, and is every quote closed?"
    )]
    RowTooLong {
        /// The file.
        name: String,
        /// Line on which the row begins, from 1.
        line: u64,
        /// Most bytes of a row.
        limit: u64,
    },
    /// More columns than a dataset can have arrays.
    #[error(
        "{name} line {line}: the header has {found} columns (expected at most {limit}); leave some out"
    )]
    TooManyColumns {
        /// The file.
        name: String,
        /// Line of the header.
        line: u64,
        /// Columns in the header.
        found: usize,
        /// Most columns.
        limit: usize,
    },
    /// More rows times columns than fit in memory.
    #[error(
        "{name} line {line}: the table has more than {limit} cells; leave out columns, or convert \
         the experiments in parts"
    )]
    TooManyCells {
        /// The file.
        name: String,
        /// Line on which the limit is reached, from 1.
        line: u64,
        /// Most cells.
        limit: usize,
    },
    /// The text ends inside a quoted cell, which may have swallowed rows.
    #[error(
        "{name} line {line}: a quote that is opened in this row is never closed; is the file whole?"
    )]
    UnclosedQuote {
        /// The file.
        name: String,
        /// Line on which the row begins, from 1.
        line: u64,
    },
    /// A byte that no UTF-8 text holds.
    #[error("{name} line {line} is not UTF-8 text; save the table as UTF-8")]
    NotUtf8 {
        /// The file.
        name: String,
        /// Line, from 1.
        line: u64,
    },
    /// There is not even a header.
    #[error("{name} is empty (expected a header and one line for each site)")]
    Empty {
        /// The file.
        name: String,
    },
    /// There is a header alone.
    #[error("{name} has a header but no rows (expected one line for each site)")]
    NoRows {
        /// The file.
        name: String,
    },
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
    /// A column that cannot keep its name in the output.
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
        /// What is wrong with it.
        reason: String,
    },
    /// A row with more or fewer fields than the header.
    #[error("{name} line {line} has {found} fields (expected {expected}, as the header has)")]
    Ragged {
        /// The file.
        name: String,
        /// Line on which the row begins, from 1.
        line: u64,
        /// Fields in the row.
        found: usize,
        /// Fields in the header.
        expected: usize,
    },
    /// A required value that is not what it must be.
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
        /// What it should be.
        what: &'static str,
        /// How such a value looks.
        expected: &'static str,
    },
    /// A number of an embedding that is none.
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
    /// A table of embeddings with nothing in it but site ids.
    #[error(
        "{name} has no column of numbers (expected site_id and one column for each number of an embedding)"
    )]
    NoVectors {
        /// The file.
        name: String,
    },
    /// Two rows for one site.
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
    /// Two sites with one id.
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

/// Most names that a message lists.
const LISTED: usize = 50;

/// Returns the first of `names`, quoted, and the number of the others.
fn listed(names: &[String]) -> String {
    if names.is_empty() {
        return "none".to_owned();
    }
    let listed: Vec<String> = names
        .iter()
        .take(LISTED)
        .map(|name| format!("{:?}", excerpt(name)))
        .collect();
    let listed = listed.join(", ");
    match names.len().saturating_sub(LISTED) {
        0 => listed,
        more => format!("{listed} and {more} more"),
    }
}
