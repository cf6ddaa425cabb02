//! Options of reading a table from a file, a reader or memory.

use std::io::{Read, Seek};
use std::path::Path;

use super::aliases::ColumnAliases;
use super::column_names::ColumnNameRule;
use super::error::MetadataError;
use super::file::{open_packed, packed};
use super::limits::Limits;
use super::metadata_table::MetadataTable;
use super::read::read_table;

/// Name of the table in an archive with several.
const NAME: &str = "metadata.csv";

/// Options of reading a [`MetadataTable`].
///
/// ```
/// use rxrx_metadata::TableOptions;
///
/// let csv = "experiment,plate,well,site\nHUVEC-01,1,B02,1\n";
/// let table = TableOptions::default().read("metadata.csv", csv.as_bytes())?;
/// assert_eq!(table.site_id(0), Some("HUVEC-01_1_B02_1"));
/// # Ok::<(), rxrx_metadata::MetadataError>(())
/// ```
#[derive(Clone, Debug)]
pub struct TableOptions {
    aliases: Vec<ColumnAliases>,
    column_names: ColumnNameRule,
    limits: Limits,
}

impl Default for TableOptions {
    fn default() -> Self {
        Self {
            aliases: Vec::new(),
            column_names: ColumnNameRule::default(),
            limits: Limits::TABLE,
        }
    }
}

impl TableOptions {
    /// Sets other names that the required columns may have. The first that completes the
    /// header is used, if the header is not complete by itself.
    #[must_use]
    pub fn aliases(self, aliases: Vec<ColumnAliases>) -> Self {
        Self { aliases, ..self }
    }

    /// Sets the rule for the names of columns.
    #[must_use]
    pub fn column_names(self, column_names: ColumnNameRule) -> Self {
        Self {
            column_names,
            ..self
        }
    }

    /// Sets the largest table that is accepted.
    #[cfg(test)]
    pub(super) fn limits(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// Reads a `.csv`, a `.csv.gz`, or the table inside a `.zip` (its only
    /// `*.csv`, or else the one named `metadata.csv`). The content decides which
    /// of them the file is, not its name.
    ///
    /// # Errors
    /// The file cannot be read, the archive does not hold one table, or
    /// [`Self::read`] refuses the text.
    pub fn open(&self, path: &Path) -> Result<MetadataTable, MetadataError> {
        open_packed(path, NAME, |name, text| self.read(name, text))
    }

    /// Reads a file, as [`Self::open`] does, that is open already or held in
    /// memory. `name` stands for it in errors.
    ///
    /// # Errors
    /// The errors of [`Self::open`].
    pub fn unpack(
        &self,
        name: &str,
        reader: impl Read + Seek,
    ) -> Result<MetadataTable, MetadataError> {
        packed(name, reader, NAME, |name, text| self.read(name, text))
    }

    /// Reads plain CSV (RFC 4180, UTF-8 with or without a byte order mark, any
    /// line ends). `name` stands for the file in errors.
    ///
    /// # Errors
    /// Reading fails; the text is not UTF-8 or ends inside a quote; there are
    /// no rows; a row is longer or shorter than the header; a required column is
    /// missing; a column name is empty, too long, there twice or refused by the
    /// rule; a required value is malformed; two rows describe one site or share
    /// a `site_id`; there are more than 1 GiB of text, 1 MiB in a row, 10,000
    /// columns or 67 million cells.
    pub fn read(&self, name: &str, reader: impl Read) -> Result<MetadataTable, MetadataError> {
        read_table(name, reader, self.limits, self.column_names, &self.aliases)
    }
}

/// Readers with the default [`TableOptions`].
impl MetadataTable {
    /// Reads a file with [`TableOptions::open`].
    ///
    /// # Errors
    /// The errors of [`TableOptions::open`].
    pub fn open(path: &Path) -> Result<Self, MetadataError> {
        TableOptions::default().open(path)
    }

    /// Reads plain CSV with [`TableOptions::read`].
    ///
    /// # Errors
    /// The errors of [`TableOptions::read`].
    pub fn read(name: &str, reader: impl Read) -> Result<Self, MetadataError> {
        TableOptions::default().read(name, reader)
    }
}
