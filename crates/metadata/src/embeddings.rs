//! Embeddings: a vector for each site, from a table of ids and numbers.

mod parquet;
mod rows;
mod text;
mod vectors;

use std::path::Path;

pub use self::vectors::Embeddings;
use rxrx_tables::{Content, TableFile, TableFileError, open_packed, packed};

use crate::problem::Problems;
use crate::table::error::MetadataError;
use crate::table::metadata_table::MetadataTable;

/// Name of the table in an archive with several.
const NAME: &str = "embeddings.csv";

impl Embeddings {
    /// Reads the vectors of the sites of `table` from a file: text, plain, gzipped or
    /// inside a `.zip` (its only `*.csv`, or else the one named `embeddings.csv`), or
    /// Parquet. A row belongs to the site of its `site_id`; without such a column, to the
    /// only site of its `well_id`. Every other column is a number of the vector, in the
    /// order of the file; in Parquet, one column of lists may hold the vectors. Rows of
    /// other sites and sites without a row are counted in `problems`.
    ///
    /// # Errors
    /// The file cannot be opened or unpacked; there is neither `site_id` nor `well_id`, or
    /// no other column; a well has several sites; a cell is not a finite number of 32
    /// bits; two rows belong to one site; there are more numbers than
    /// [`Self::VALUES_AT_MOST`].
    pub(crate) fn open(
        path: &Path,
        table: &MetadataTable,
        problems: &mut Problems,
    ) -> Result<Self, MetadataError> {
        open_packed(path, NAME, |name, content| {
            Self::read(name, content, table, problems)
        })
    }

    /// Reads vectors from an open file, as [`Self::open`] does. `name` stands for
    /// it in errors.
    pub(crate) fn unpack(
        name: &str,
        reader: impl TableFile,
        table: &MetadataTable,
        problems: &mut Problems,
    ) -> Result<Self, MetadataError> {
        packed(name, reader, NAME, |name, content| {
            Self::read(name, content, table, problems)
        })
    }

    /// Reads the vectors of a file, as [`Self::open`] does.
    fn read<R: TableFile>(
        name: &str,
        content: Content<'_, R>,
        table: &MetadataTable,
        problems: &mut Problems,
    ) -> Result<Self, MetadataError> {
        match content {
            Content::Text(text) => text::read(name, text, table, problems),
            Content::Parquet(file) => parquet::read(name, file, table, problems),
            Content::Spreadsheet(..) => Err(TableFileError::Spreadsheet {
                name: name.into(),
                reason: "embeddings are too many numbers for a sheet".to_owned(),
            }
            .into()),
        }
    }
}

#[cfg(test)]
mod tests;
