//! `metadata.csv` as typed columns, its rows in array order.

mod error;
mod file;
mod limits;
mod lines;
mod read;
mod records;
#[cfg(test)]
mod tests;

use std::io::{Read, Seek};
use std::path::Path;

pub use error::MetadataError;
pub(crate) use error::shown;
pub(crate) use file::{open_packed, packed};
pub(crate) use limits::Limits;
pub(crate) use records::{Records, Row};

use crate::column::retain_rows;
use crate::{Column, ColumnValues, SiteKey, Texts};

/// Columns that a table must have.
pub const REQUIRED: [&str; 4] = ["experiment", "plate", "well", "site"];
/// Column of the names of the sites.
pub const SITE_ID: &str = "site_id";
/// What the table is called in an archive with several.
const NAME: &str = "metadata.csv";

/// The metadata of every site: one row a site, rows ordered by experiment,
/// plate, well and site whatever their order in the file.
///
/// Keys and site ids are distinct and there is at least one row.
#[derive(Clone, Debug)]
pub struct MetadataTable {
    name: String,
    keys: Vec<SiteKey>,
    columns: Vec<Column>,
}

impl MetadataTable {
    /// Reads a `.csv`, a `.csv.gz`, or the table inside a `.zip` (its only
    /// `*.csv`, or else the one named `metadata.csv`). The content decides
    /// which it is, not the name.
    ///
    /// # Errors
    /// The file cannot be read, the archive does not hold one table, or
    /// anything that [`Self::read`] refuses.
    pub fn open(path: &Path) -> Result<Self, MetadataError> {
        open_packed(path, NAME, |name, text| {
            read::table(name, text, Limits::TABLE)
        })
    }

    /// As [`Self::open`], from a file that is open already or held in memory.
    /// `name` stands for it in errors.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn unpack(name: &str, reader: impl Read + Seek) -> Result<Self, MetadataError> {
        packed(name, reader, NAME, |name, text| {
            read::table(name, text, Limits::TABLE)
        })
    }

    /// Reads plain CSV (RFC 4180, UTF-8 with or without a byte order mark, any
    /// line ends). `name` stands for the file in errors.
    ///
    /// # Errors
    /// Reading fails; the text is not UTF-8 or ends inside a quote; there are
    /// no rows; a row is longer or shorter than the header; a required column is
    /// missing; a column name is empty, doubled, or taken by the output; a
    /// required value is not what it must be; two rows are one site or share a
    /// `site_id`; there are more than 1 GiB of text, 1 MiB in a row, 10,000
    /// columns or 67 million cells.
    pub fn read(name: &str, reader: impl Read) -> Result<Self, MetadataError> {
        read::table(name, reader, Limits::TABLE)
    }

    /// The file that the table was read from, as errors call it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Number of sites.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether no rows are left, which only a selection can bring about.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The key of each row, ascending.
    pub fn keys(&self) -> &[SiteKey] {
        &self.keys
    }

    /// The row of a site, if it is in the table.
    pub fn row(&self, key: &SiteKey) -> Option<usize> {
        self.keys.binary_search(key).ok()
    }

    /// Every column of the file, in its order; `site_id` comes first where it
    /// was derived as `{experiment}_{plate}_{well}_{site}`.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The column of that name.
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// The site id of each row.
    pub fn site_ids(&self) -> impl Iterator<Item = &str> {
        self.texts(SITE_ID).into_iter().flat_map(Texts::cells)
    }

    /// The site id of one row.
    pub fn site_id(&self, row: usize) -> Option<&str> {
        self.texts(SITE_ID)?.get(row)
    }

    /// The experiment of each row as the file spells it.
    pub fn experiments(&self) -> impl Iterator<Item = &str> {
        self.texts("experiment").into_iter().flat_map(Texts::cells)
    }

    fn texts(&self, name: &str) -> Option<&Texts> {
        match &self.column(name)?.values {
            ColumnValues::String(values) => Some(values),
            _ => None,
        }
    }

    /// Keeps the given rows, which must ascend.
    pub(crate) fn retain_rows(&mut self, rows: &[usize]) {
        if rows.len() == self.len() {
            return;
        }
        retain_rows(&mut self.keys, rows);
        for column in &mut self.columns {
            column.values.retain_rows(rows);
        }
    }
}
