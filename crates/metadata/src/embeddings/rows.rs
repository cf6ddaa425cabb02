//! The rows of a table of embeddings and the sites that they belong to.

use std::collections::HashMap;

use rxrx_tables::{TableFileError, excerpt};

use super::vectors::Embeddings;
use crate::column::ColumnValues;
use crate::problem::{ProblemKind, Problems};
use crate::table::error::MetadataError;
use crate::table::metadata_table::{MetadataTable, SITE_ID};

/// Column of the names of the wells.
const WELL_ID: &str = "well_id";

/// Returns the position of the column of ids in a header, and its name.
pub(super) fn id_column(
    name: &str,
    header: &[String],
) -> Result<(usize, &'static str), MetadataError> {
    let position = |wanted: &str| header.iter().position(|column| column == wanted);
    let ids = [SITE_ID, WELL_ID];
    let found = ids.into_iter().find_map(|id| Some((position(id)?, id)));
    found.ok_or_else(|| MetadataError::MissingColumns {
        name: name.into(),
        missing: vec![SITE_ID.to_owned()],
        header: header.to_vec(),
    })
}

/// Collects vectors row by row.
pub(super) struct Rows<'a> {
    name: &'a str,
    table: &'a MetadataTable,
    problems: &'a mut Problems,
    embeddings: Embeddings,
    by_id: HashMap<String, usize>,
    /// Line of each site's vector; 0 if it has none yet.
    lines: Vec<u64>,
}

impl<'a> Rows<'a> {
    /// Begins with no vector. `id` is the column of the ids, [`id_column`], and `line` the
    /// line of the header.
    pub(super) fn new(
        name: &'a str,
        table: &'a MetadataTable,
        problems: &'a mut Problems,
        id: &'static str,
        length: usize,
        line: u64,
    ) -> Result<Self, MetadataError> {
        let embeddings =
            Embeddings::absent(table.len(), length).ok_or(TableFileError::TooManyCells {
                name: name.into(),
                line,
                limit: Embeddings::VALUES_AT_MOST,
            })?;
        Ok(Self {
            by_id: sites_by(id, name, table)?,
            lines: vec![0; table.len()],
            name,
            table,
            problems,
            embeddings,
        })
    }

    /// Numbers in a vector.
    pub(super) fn length(&self) -> usize {
        self.embeddings.length()
    }

    /// Returns the vector of a row, to be filled. It is empty if the row is of a site that
    /// is not converted: such a row is read, too, because a malformed table is refused
    /// whichever row is malformed.
    pub(super) fn vector(&mut self, id: &str, line: u64) -> Result<&mut [f32], MetadataError> {
        let name = self.name;
        let site = self.by_id.get(id).copied();
        let Some((site, first)) = site.and_then(|site| Some((site, self.lines.get_mut(site)?)))
        else {
            self.problems
                .add(ProblemKind::EmbeddingsWithoutSite, 0, || {
                    format!("{name} line {line}: {}", excerpt(id))
                });
            return Ok(&mut []);
        };
        if *first > 0 {
            return Err(MetadataError::DuplicateSiteId {
                name: name.into(),
                first: *first,
                second: line,
                site_id: excerpt(id),
            });
        }
        *first = line;
        Ok(self.embeddings.insert(site).unwrap_or(&mut []))
    }

    /// Ends the collection. Sites without a vector become a problem.
    pub(super) fn finish(self) -> Embeddings {
        let sites = self.embeddings.present().iter().zip(self.table.site_ids());
        for (_, site_id) in sites.filter(|(present, _)| !**present) {
            self.problems
                .add(ProblemKind::SitesWithoutEmbedding, 0, || excerpt(site_id));
        }
        self.embeddings
    }
}

/// The site of each id.
fn sites_by(
    id: &'static str,
    name: &str,
    table: &MetadataTable,
) -> Result<HashMap<String, usize>, MetadataError> {
    if id == SITE_ID {
        return Ok(table.site_ids().map(str::to_owned).zip(0..).collect());
    }
    let column = table.column(WELL_ID).map(|column| &column.values);
    let mut sites = HashMap::with_capacity(table.len());
    let rows = table.keys().iter().zip(table.experiments()).enumerate();
    for (site, (key, experiment)) in rows {
        let well = match column {
            Some(ColumnValues::String(ids)) => ids.get(site).unwrap_or("").to_owned(),
            Some(ColumnValues::Integer(ids)) => {
                ids.get(site).map_or_else(String::new, |id| id.to_string())
            }
            // As site ids are made, without the site.
            _ => format!("{experiment}_{}_{}", key.plate, key.well),
        };
        if well.is_empty() {
            continue;
        }
        if let Some(first) = sites.insert(well, site) {
            return Err(MetadataError::WellOfSeveralSites {
                name: name.into(),
                table: table.name().to_owned(),
                first: table.site_id(first).map_or_else(String::new, excerpt),
                second: table.site_id(site).map_or_else(String::new, excerpt),
            });
        }
    }
    Ok(sites)
}
