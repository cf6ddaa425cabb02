//! The metadata table: a row for each site, typed columns, read from text, Parquet or a
//! spreadsheet.
//!
//! ```text
//! file ──> encoding, lines ──> records ──┐
//!      ──> parquet ──────────────────────┼──> raw ──> read ──> metadata_table
//!      ──> spreadsheet ──────────────────┘   (texts)  (checks, types, order)
//! ```

pub(crate) mod aliases;
pub(crate) mod builder;
pub(crate) mod column_names;
mod encoding;
pub(crate) mod error;
pub(crate) mod file;
mod joined;
pub(crate) mod limits;
mod lines;
pub(crate) mod metadata_table;
pub(crate) mod options;
pub(crate) mod parquet;
mod platemap;
pub(crate) mod raw;
mod read;
pub(crate) mod records;
mod spreadsheet;
#[cfg(test)]
mod tests;
mod wells;
