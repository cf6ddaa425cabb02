//! The metadata table: a row for each site, typed columns, read from CSV.
//!
//! ```text
//! file ──> limits, lines ──> records ──> read ──> metadata_table
//!          (plain text)      (rows)      (checks, types, order)
//! ```

pub(crate) mod aliases;
pub(crate) mod column_names;
pub(crate) mod error;
pub(crate) mod file;
pub(crate) mod limits;
mod lines;
pub(crate) mod metadata_table;
pub(crate) mod options;
mod read;
pub(crate) mod records;
#[cfg(test)]
mod tests;
