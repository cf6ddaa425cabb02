//! Embeddings: a vector for each site, from a table of ids and numbers.

mod parquet;
mod rows;
mod text;

use std::path::Path;

use crate::problem::Problems;
use crate::table::error::MetadataError;
use crate::table::file::{Content, open_packed, packed};
use crate::table::metadata_table::MetadataTable;
use crate::table::parquet::TableFile;

/// Name of the table in an archive with several.
const NAME: &str = "embeddings.csv";

/// Vectors of one length in array order, such as the published embeddings of
/// RxRx1. A site may have no vector.
#[derive(Clone, Debug, PartialEq)]
pub struct Embeddings {
    /// Numbers in a vector.
    length: usize,
    /// Whether each site has a vector.
    present: Vec<bool>,
    /// Shape (site, length); 0 if a site has no vector.
    values: Vec<f32>,
}

impl Embeddings {
    /// Most numbers of all vectors together: 2 GiB of memory. The published embeddings of
    /// RxRx19a are 305,520 x 1,024 numbers, 1.2 GiB.
    pub const VALUES_AT_MOST: usize = 1 << 29;

    /// Makes room for vectors of `length` numbers for `sites` sites, which have no
    /// vector yet. Returns `None` if there would be more numbers than
    /// [`Self::VALUES_AT_MOST`].
    pub fn absent(sites: usize, length: usize) -> Option<Self> {
        let values = sites.checked_mul(length);
        let values = values.filter(|values| *values <= Self::VALUES_AT_MOST)?;
        Some(Self {
            length,
            present: vec![false; sites],
            values: vec![0.0; values],
        })
    }

    /// Numbers in a vector.
    pub fn length(&self) -> usize {
        self.length
    }

    /// Number of sites, with or without a vector.
    pub fn sites(&self) -> usize {
        self.present.len()
    }

    /// Returns the vector of one site, if it has one.
    pub fn vector(&self, site: usize) -> Option<&[f32]> {
        let start = site.checked_mul(self.length)?;
        let is_there = *self.present.get(site)?;
        let vector = self.values.get(start..start.checked_add(self.length)?);
        vector.filter(|_| is_there)
    }

    /// Gives `site` a vector of zeros, to be filled. Returns `None` if there is no
    /// such site.
    pub fn insert(&mut self, site: usize) -> Option<&mut [f32]> {
        let start = site.checked_mul(self.length)?;
        *self.present.get_mut(site)? = true;
        self.values.get_mut(start..start.checked_add(self.length)?)
    }

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
            Content::Spreadsheet(..) => Err(MetadataError::Spreadsheet {
                name: name.into(),
                reason: "embeddings are too many numbers for a sheet".to_owned(),
            }),
        }
    }
}

#[cfg(test)]
mod tests;
