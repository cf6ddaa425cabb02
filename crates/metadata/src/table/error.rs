use std::io;
use std::path::PathBuf;

use thiserror::Error;

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
    #[error("cannot read {} as a zip archive", path.display())]
    Archive {
        /// The archive.
        path: PathBuf,
        /// What is wrong with it.
        source: zip::result::ZipError,
    },
    /// The archive holds no table, or several and none or two are `metadata.csv`.
    #[error("{} must hold one .csv file, or one named metadata.csv; it holds {}", path.display(), listed(found))]
    ArchiveTables {
        /// The archive.
        path: PathBuf,
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
    #[error("cannot read {name} as CSV")]
    Csv {
        /// The file.
        name: String,
        /// The cause.
        source: csv::Error,
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

fn listed(names: &[String]) -> String {
    match names {
        [] => "none".to_owned(),
        names => names
            .iter()
            .map(|name| format!("{name:?}"))
            .collect::<Vec<_>>()
            .join(", "),
    }
}
