//! Embeddings: a vector for each site, from a table of `site_id` and numbers.

use std::collections::HashMap;
use std::io::{Read, Seek};
use std::path::Path;

use csv::StringRecord;

use crate::excerpt::excerpt;
use crate::problem::{ProblemKind, Problems};
use crate::table::error::MetadataError;
use crate::table::file::{open_packed, packed};
use crate::table::limits::Limits;
use crate::table::metadata_table::{MetadataTable, SITE_ID};
use crate::table::records::{Record, Records};

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
    /// Most numbers of all vectors together: 1 GiB of memory, twice the size of
    /// 1,024 numbers for each site of RxRx1.
    pub const VALUES_AT_MOST: usize = 1 << 28;

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

    /// Reads the vectors of the sites of `table` from a `.csv`, a `.csv.gz`, or
    /// the table inside a `.zip` (its only `*.csv`, or else the one named
    /// `embeddings.csv`). Every column but `site_id` is a number of the vector,
    /// in the order of the file. Rows of other sites and sites without a row are
    /// counted in `problems`.
    ///
    /// # Errors
    /// The file cannot be opened or unpacked; there is no column `site_id` or no
    /// other; a cell is not a finite number of 32 bits; two rows belong to one
    /// site; there are more numbers than [`Self::VALUES_AT_MOST`].
    pub(crate) fn open(
        path: &Path,
        table: &MetadataTable,
        problems: &mut Problems,
    ) -> Result<Self, MetadataError> {
        open_packed(path, NAME, |name, text| {
            Self::read(name, text, table, problems)
        })
    }

    /// Reads vectors from an open file, as [`Self::open`] does. `name` stands for
    /// it in errors.
    pub(crate) fn unpack(
        name: &str,
        reader: impl Read + Seek,
        table: &MetadataTable,
        problems: &mut Problems,
    ) -> Result<Self, MetadataError> {
        packed(name, reader, NAME, |name, text| {
            Self::read(name, text, table, problems)
        })
    }

    /// Reads vectors from plain CSV, as [`Self::open`] does.
    pub(crate) fn read(
        name: &str,
        text: &mut dyn Read,
        table: &MetadataTable,
        problems: &mut Problems,
    ) -> Result<Self, MetadataError> {
        let mut records = Records::new(name, text, Limits::EMBEDDINGS)?;
        let Some(header) = records.next()? else {
            return Err(MetadataError::Empty { name: name.into() });
        };
        let header = Header::read(name, &header)?;
        let mut embeddings =
            Self::absent(table.len(), header.length).ok_or(MetadataError::TooManyCells {
                name: name.into(),
                line: header.line,
                limit: Self::VALUES_AT_MOST,
            })?;
        let rows: HashMap<&str, usize> = table.site_ids().zip(0..).collect();
        // Line of each site's vector; 0 if it has none yet.
        let mut lines = vec![0u64; table.len()];
        let mut is_empty = true;
        while let Some(record) = records.next()? {
            is_empty = false;
            header.check_length(name, &record)?;
            let Record { line, fields } = record;
            let site_id = fields.get(header.id_column).unwrap_or("");
            let site = rows.get(site_id).copied();
            if let Some(first) = site.and_then(|site| lines.get_mut(site)) {
                if *first > 0 {
                    return Err(MetadataError::DuplicateSiteId {
                        name: name.into(),
                        first: *first,
                        second: line,
                        site_id: excerpt(site_id),
                    });
                }
                *first = line;
            } else {
                problems.add(ProblemKind::EmbeddingsWithoutSite, 0, || {
                    format!("{name} line {line}: {}", excerpt(site_id))
                });
            }
            // Rows of other sites are read, too: a malformed table is refused
            // whichever row is malformed.
            let vector = match site {
                Some(site) => embeddings.insert(site),
                None => None,
            };
            header.read_vector(name, line, fields, vector.unwrap_or(&mut []))?;
        }
        if is_empty {
            return Err(MetadataError::NoRows { name: name.into() });
        }
        let sites = embeddings.present.iter().zip(table.site_ids());
        for (_, site_id) in sites.filter(|(present, _)| !**present) {
            problems.add(ProblemKind::SitesWithoutEmbedding, 0, || excerpt(site_id));
        }
        Ok(embeddings)
    }
}

/// The columns of a table of embeddings.
struct Header {
    /// Line of the header, from 1.
    line: u64,
    columns: Vec<String>,
    /// Position of `site_id`.
    id_column: usize,
    /// Number of the other columns.
    length: usize,
}

impl Header {
    fn read(name: &str, header: &Record<'_>) -> Result<Self, MetadataError> {
        let columns: Vec<String> = header.fields.iter().map(str::to_owned).collect();
        let Some(id_column) = columns.iter().position(|column| column == SITE_ID) else {
            return Err(MetadataError::MissingColumns {
                name: name.into(),
                missing: vec![SITE_ID.to_owned()],
                header: columns,
            });
        };
        let length = columns.len().saturating_sub(1);
        if length == 0 {
            return Err(MetadataError::NoVectors { name: name.into() });
        }
        Ok(Self {
            line: header.line,
            columns,
            id_column,
            length,
        })
    }

    /// Refuses a row that is longer or shorter than the header.
    fn check_length(&self, name: &str, row: &Record<'_>) -> Result<(), MetadataError> {
        if row.fields.len() == self.columns.len() {
            return Ok(());
        }
        Err(MetadataError::Ragged {
            name: name.into(),
            line: row.line,
            found: row.fields.len(),
            expected: self.columns.len(),
        })
    }

    /// Reads the numbers of a row, and puts as many as fit into `vector`.
    fn read_vector(
        &self,
        name: &str,
        line: u64,
        fields: &StringRecord,
        vector: &mut [f32],
    ) -> Result<(), MetadataError> {
        let mut values = vector.iter_mut();
        let cells = fields.iter().zip(&self.columns).enumerate();
        for (_, (cell, column)) in cells.filter(|(position, _)| *position != self.id_column) {
            let number = cell.trim().parse::<f32>().ok();
            let number = number.filter(|number| number.is_finite());
            let number = number.ok_or_else(|| MetadataError::Number {
                name: name.into(),
                line,
                column: excerpt(column),
                value: excerpt(cell),
            })?;
            if let Some(value) = values.next() {
                *value = number;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
