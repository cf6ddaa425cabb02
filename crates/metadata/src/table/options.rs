//! Options of reading a table from a file, a reader or memory.

use std::io::Read;
use std::path::Path;

use rxrx_tables::{
    Content, Limits, RawTable, TableFile, TableFileError, open_packed, packed, read_parquet,
    read_spreadsheet,
};

use super::aliases::{ColumnAliases, renamed};
use super::column_names::ColumnNameRule;
use super::error::MetadataError;
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
    sheet: Option<String>,
    limits: Limits,
}

impl Default for TableOptions {
    fn default() -> Self {
        Self {
            aliases: Vec::new(),
            column_names: ColumnNameRule::default(),
            sheet: None,
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

    /// The largest table that is accepted.
    pub(super) fn limits_of(&self) -> Limits {
        self.limits
    }

    /// Sets the largest table that is accepted.
    #[cfg(test)]
    pub(super) fn limits(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// Sets the sheet that is read of a spreadsheet; without it, a spreadsheet must have
    /// one sheet.
    #[must_use]
    pub fn sheet(self, sheet: Option<&str>) -> Self {
        Self {
            sheet: sheet.map(str::to_owned),
            ..self
        }
    }

    /// Reads a table in a file: text (see [`Self::read`]), plain, gzipped, or inside a
    /// `.zip` (its only `*.csv` or `*.tsv`, or else the one named `metadata.csv`); Parquet
    /// with columns of text, numbers, truth values and times; or a sheet of an `.xlsx` or
    /// `.ods` file. The content decides which of them the file is, not its name. In errors
    /// about Parquet, the line is the number of the row.
    ///
    /// # Errors
    /// The file cannot be read, the archive does not hold one table, the spreadsheet not
    /// the sheet, a column of the Parquet file has another type, or [`Self::read`] would
    /// refuse the same table as text.
    pub fn open(&self, path: &Path) -> Result<MetadataTable, MetadataError> {
        self.finish(self.open_raw(path)?.tidied())
    }

    /// Reads a file, as [`Self::open`] does, that is open already or held in
    /// memory. `name` stands for it in errors.
    ///
    /// # Errors
    /// The errors of [`Self::open`].
    pub fn unpack(
        &self,
        name: &str,
        reader: impl TableFile,
    ) -> Result<MetadataTable, MetadataError> {
        self.finish(self.unpack_raw(name, reader)?.tidied())
    }

    /// Reads plain text: records of fields between commas, tabs or semicolons (RFC 4180,
    /// UTF-8 with or without a byte order mark, UTF-16 with one, any line ends). The
    /// header decides which separator it is. `name` stands for the file in errors.
    ///
    /// Columns that a program added are left out: the index of pandas or R, which comes
    /// first and has no name or is called `Unnamed: 0`, and columns without name and
    /// content, which a separator at each line end makes.
    ///
    /// # Errors
    /// Reading fails; the text is in another encoding or ends inside a quote; there are
    /// no rows; a row is longer or shorter than the header; a required column is
    /// missing; a column name is empty, too long, there twice or refused by the
    /// rule; a required value is malformed; two rows describe one site or share
    /// a `site_id`; there are more than 1 GiB of text, 1 MiB in a row, 10,000
    /// columns or 67 million cells.
    pub fn read(&self, name: &str, reader: impl Read) -> Result<MetadataTable, MetadataError> {
        self.finish(RawTable::from_text(name, reader, self.limits)?.tidied())
    }

    /// Reads a file as texts.
    pub(crate) fn open_raw(&self, path: &Path) -> Result<RawTable, TableFileError> {
        open_packed(path, NAME, |name, content| self.raw(name, content))
    }

    /// Reads an open file as texts.
    pub(crate) fn unpack_raw(
        &self,
        name: &str,
        reader: impl TableFile,
    ) -> Result<RawTable, TableFileError> {
        packed(name, reader, NAME, |name, content| self.raw(name, content))
    }

    /// Checks, types and orders the rows of a table.
    pub(crate) fn finish(&self, rows: RawTable) -> Result<MetadataTable, MetadataError> {
        read_table(renamed(rows, &self.aliases), self.column_names)
    }

    fn raw<R: TableFile>(
        &self,
        name: &str,
        content: Content<'_, R>,
    ) -> Result<RawTable, TableFileError> {
        if let (Some(sheet), Content::Text(_) | Content::Parquet(_)) = (&self.sheet, &content) {
            let (name, sheet) = (name.into(), sheet.clone());
            return Err(TableFileError::NoSheets { name, sheet });
        }
        match content {
            Content::Text(text) => RawTable::from_text(name, text, self.limits),
            Content::Parquet(file) => read_parquet(name, file, self.limits),
            Content::Spreadsheet(file, kind) => {
                let sheet = self.sheet.as_deref();
                read_spreadsheet(name, file, kind, sheet, self.limits)
            }
        }
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
