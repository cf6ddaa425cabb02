//! Errors of reading a file that holds a table.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use crate::excerpt::{excerpt, first_of};

/// Reason why a file cannot be read as a table. Every message names the file.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TableFileError {
    /// The file cannot be opened or read.
    #[error("cannot read {}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// The error of the operating system or the decompressor.
        source: io::Error,
    },
    /// The file begins as a zip archive, but cannot be read as one.
    #[error("cannot read {name} as a zip archive")]
    Archive {
        /// The archive.
        name: String,
        /// The error of the archive.
        source: zip::result::ZipError,
    },
    /// The archive has no table, or several of which not exactly one has the
    /// expected name.
    #[error(
        "{name} must hold one .csv file, or one named {expected}; it holds {}",
        listed(found)
    )]
    ArchiveTables {
        /// The archive.
        name: String,
        /// Name of the table in an archive with several.
        expected: &'static str,
        /// The `.csv` files in it.
        found: Vec<String>,
    },
    /// Reading failed after the file was opened.
    #[error("cannot read {name}")]
    Read {
        /// The file.
        name: String,
        /// The cause.
        source: io::Error,
    },
    /// The CSV reader failed.
    #[error("cannot read {name} as CSV: {reason}")]
    Csv {
        /// The file.
        name: String,
        /// The error of the CSV reader.
        reason: String,
    },
    /// The Parquet reader refuses the file.
    #[error("cannot read {name} as Parquet: {reason}")]
    Parquet {
        /// The file.
        name: String,
        /// The error of the Parquet reader.
        reason: String,
    },
    /// A column of a Parquet file has a type that a table of text would not have.
    #[error(
        "{name}: column {column:?} is of type {found}, which is neither text nor a number; \
         leave it out"
    )]
    ColumnType {
        /// The file.
        name: String,
        /// The column.
        column: String,
        /// Its type, as Arrow names it.
        found: String,
    },
    /// A spreadsheet cannot be read.
    #[error("cannot read {name} as a spreadsheet: {reason}; save the sheet as CSV")]
    Spreadsheet {
        /// The file.
        name: String,
        /// The error of the reader.
        reason: String,
    },
    /// A spreadsheet has several sheets, or not the one that is wanted.
    #[error(
        "{name} has the sheets {}{}; choose one with {name}#SHEET",
        listed(found),
        wanted.as_ref().map_or_else(String::new, |wanted| format!(", but not {wanted:?}"))
    )]
    Sheets {
        /// The file.
        name: String,
        /// The sheet that is wanted.
        wanted: Option<String>,
        /// The sheets that there are.
        found: Vec<String>,
    },
    /// A sheet is wanted of a file that is no spreadsheet.
    #[error("{name} is no spreadsheet, so it has no sheet {sheet:?}")]
    NoSheets {
        /// The file.
        name: String,
        /// The sheet that is wanted.
        sheet: String,
    },
    /// The file has the format of Excel before 2007.
    #[error("{name} is an Excel file of the older format .xls; save it as .xlsx or CSV")]
    OldExcel {
        /// The file.
        name: String,
    },
    /// The path is that of a folder, a pipe or a device.
    #[error("{} is no regular file; save the table as one", path.display())]
    NotAFile {
        /// The path.
        path: PathBuf,
    },
    /// More text than a table of sites can have.
    #[error(
        "{name} has more than {limit} bytes of text{}; leave out columns, or convert the \
         experiments in parts",
        match line { 0 => String::new(), line => format!(" (line {line} is where they are reached)") }
    )]
    TooLarge {
        /// The file.
        name: String,
        /// Line on which the limit is reached, from 1; 0 where rows of several tables are put
        /// together.
        line: u64,
        /// Most bytes.
        limit: u64,
    },
    /// A row is too long.
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
        "{name}{}: the header has {found} columns (expected at most {limit}); leave some out",
        at(*line)
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
        "{name}{}: the table has more than {limit} cells; leave out columns, or convert \
         the experiments in parts",
        at(*line)
    )]
    TooManyCells {
        /// The file.
        name: String,
        /// Line on which the limit is reached, from 1.
        line: u64,
        /// Most cells.
        limit: usize,
    },
    /// The text ends inside a quoted cell, which may contain rows.
    #[error(
        "{name} line {line}: a quote that is opened in this row is never closed; is the file whole?"
    )]
    UnclosedQuote {
        /// The file.
        name: String,
        /// Line on which the row begins, from 1.
        line: u64,
    },
    /// The text is not UTF-8.
    #[error("{name} line {line} is not UTF-8 text; save the table as UTF-8")]
    NotUtf8 {
        /// The file.
        name: String,
        /// Line, from 1.
        line: u64,
    },
    /// There is no header.
    #[error("{name} is empty (expected a header and one line for each site)")]
    Empty {
        /// The file.
        name: String,
    },
    /// There is a header but no row.
    #[error("{name} has a header but no rows (expected one line for each site)")]
    NoRows {
        /// The file.
        name: String,
    },
    /// A row has more or fewer fields than the header.
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
}

/// The place of a line in a message; empty where it is not known.
fn at(line: u64) -> String {
    match line {
        0 => String::new(),
        line => format!(" line {line}"),
    }
}

/// Most names that a message lists.
const LISTED: usize = 50;

/// Returns the first of `names`, quoted, and the number of the others.
pub fn listed(names: &[String]) -> String {
    if names.is_empty() {
        return "none".to_owned();
    }
    let quoted = names.iter().map(|name| format!("{:?}", excerpt(name)));
    first_of(&quoted.collect::<Vec<String>>(), LISTED)
}
