//! A vector for each site, from a table of `site_id` and numbers.

use std::collections::HashMap;
use std::io::{Read, Seek};
use std::path::Path;

use crate::table::{Limits, Records, Row, SITE_ID, open_packed, packed, shown};
use crate::{MetadataError, MetadataTable, ProblemKind, Problems};

/// What the table is called in an archive with several.
const NAME: &str = "embeddings.csv";

/// Vectors of one length in array order, such as the published embeddings of
/// RxRx1. Not every site need have one.
#[derive(Clone, Debug, PartialEq)]
pub struct Embeddings {
    length: usize,
    present: Vec<bool>,
    /// Shape (site, length); 0 where a site has none.
    values: Vec<f32>,
}

impl Embeddings {
    /// Most numbers of all vectors together: 1 GiB of memory, twice what 1,024
    /// numbers for each site of RxRx1 take.
    pub const VALUES_AT_MOST: usize = 1 << 28;

    /// Vectors of `length` for so many sites, none there yet; `None` where
    /// there would be more numbers than [`Self::VALUES_AT_MOST`].
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

    /// Number of sites, with a vector or without.
    pub fn sites(&self) -> usize {
        self.present.len()
    }

    /// The vector of one site, if it has one.
    pub fn vector(&self, site: usize) -> Option<&[f32]> {
        let start = site.checked_mul(self.length)?;
        let is_there = *self.present.get(site)?;
        let vector = self.values.get(start..start.checked_add(self.length)?);
        vector.filter(|_| is_there)
    }

    /// Makes room for the vector of `site`, all 0 until it is filled; `None`
    /// where there is no such site.
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
    /// The file cannot be read or is no table, as [`MetadataTable::open`] says;
    /// there is no column `site_id` or no other; a cell is not a finite number
    /// of 32 bits; two rows are of one site; there are more numbers than
    /// [`Self::VALUES_AT_MOST`].
    pub(crate) fn open(
        path: &Path,
        table: &MetadataTable,
        problems: &mut Problems,
    ) -> Result<Self, MetadataError> {
        open_packed(path, NAME, |name, text| {
            Self::read(name, text, table, problems)
        })
    }

    /// As [`Self::open`], from a file that is open already. `name` stands for it
    /// in errors.
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

    pub(crate) fn read(
        name: &str,
        text: &mut dyn Read,
        table: &MetadataTable,
        problems: &mut Problems,
    ) -> Result<Self, MetadataError> {
        let limits = Limits::EMBEDDINGS;
        let mut records = Records::new(name, text, limits)?;
        let Some(header) = records.next()? else {
            return Err(MetadataError::Empty { name: name.into() });
        };
        let columns: Vec<String> = header.fields.iter().map(str::to_owned).collect();
        let header_line = header.line;
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
        let mut embeddings =
            Self::absent(table.len(), length).ok_or(MetadataError::TooManyCells {
                name: name.into(),
                line: header_line,
                limit: Self::VALUES_AT_MOST,
            })?;
        let rows: HashMap<&str, usize> = table.site_ids().zip(0..).collect();
        let mut lines = vec![0u64; table.len()];
        let mut is_empty = true;
        while let Some(Row { line, fields }) = records.next()? {
            is_empty = false;
            if fields.len() != columns.len() {
                return Err(MetadataError::Ragged {
                    name: name.into(),
                    line,
                    found: fields.len(),
                    expected: columns.len(),
                });
            }
            let site_id = fields.get(id_column).unwrap_or_default();
            let site = rows.get(site_id).copied();
            if let Some(first) = site.and_then(|site| lines.get_mut(site)) {
                if *first > 0 {
                    return Err(MetadataError::DuplicateSiteId {
                        name: name.into(),
                        first: *first,
                        second: line,
                        site_id: shown(site_id),
                    });
                }
                *first = line;
            } else {
                problems.add(ProblemKind::EmbeddingsWithoutSite, 0, || {
                    format!("{name} line {line}: {}", shown(site_id))
                });
            }
            // Those of no site are read, too: a table with nonsense is no table.
            let mut vector = site
                .and_then(|site| embeddings.insert(site))
                .unwrap_or_default()
                .iter_mut();
            let cells = fields.iter().zip(&columns).enumerate();
            for (_, (cell, column)) in cells.filter(|(position, _)| *position != id_column) {
                let number = cell.trim().parse::<f32>().ok();
                let number = number.filter(|number| number.is_finite());
                let number = number.ok_or_else(|| MetadataError::Number {
                    name: name.into(),
                    line,
                    column: shown(column),
                    value: shown(cell),
                })?;
                if let Some(value) = vector.next() {
                    *value = number;
                }
            }
        }
        if is_empty {
            return Err(MetadataError::NoRows { name: name.into() });
        }
        let without = embeddings.present.iter().zip(table.site_ids());
        for (_, site_id) in without.filter(|(present, _)| !**present) {
            problems.add(ProblemKind::SitesWithoutEmbedding, 0, || shown(site_id));
        }
        Ok(embeddings)
    }
}

#[cfg(test)]
mod tests;
