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
pub(crate) mod error;
mod joined;
pub(crate) mod metadata_table;
pub(crate) mod options;
mod platemap;
mod read;
#[cfg(test)]
mod tests;
mod wells;
