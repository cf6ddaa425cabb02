//! `metadata.csv` as typed columns, its rows in array order.

use rxrx_tables::Texts;

use crate::column::retain_rows;
use crate::column::{Column, ColumnValues};
use crate::plate::PlateNames;
use crate::problem::Problems;
use crate::site::SiteKey;

/// Columns that a table must have.
pub const REQUIRED: [&str; 4] = [EXPERIMENT, "plate", "well", "site"];
/// Column of the names of the experiments.
pub(crate) const EXPERIMENT: &str = "experiment";
/// Column of the names of the sites.
pub const SITE_ID: &str = "site_id";

/// The metadata of every site: one row a site, rows ordered by experiment,
/// plate, well and site whatever their order in the file.
///
/// Keys and site ids are distinct. A table that was read has at least one row.
/// [`TableOptions`](crate::TableOptions) says how a table is read.
#[derive(Clone, Debug)]
pub struct MetadataTable {
    name: String,
    keys: Vec<SiteKey>,
    /// The plates, if they are names.
    plate_names: PlateNames,
    columns: Vec<Column>,
    /// What reading the table left out.
    notices: Problems,
}

impl MetadataTable {
    /// Puts a table together. `keys` ascend, and each column has a value for each.
    pub(crate) fn new(name: String, keys: Vec<SiteKey>, columns: Vec<Column>) -> Self {
        let mut plate_names = PlateNames::default();
        for key in keys.chunk_by(|one, other| one.plate == other.plate) {
            key.iter()
                .take(1)
                .for_each(|key| plate_names.add(&key.plate));
        }
        Self {
            name,
            keys,
            plate_names,
            columns,
            notices: Problems::default(),
        }
    }

    /// Adds notices of reading the table.
    pub(super) fn with_notices(mut self, notices: Problems) -> Self {
        self.notices.extend(notices);
        self
    }

    /// What reading the table left out, for a notice.
    pub fn notices(&self) -> &Problems {
        &self.notices
    }

    /// Name of the file that the table was read from, for error messages.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Number of sites.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether there are no rows, which only a selection can cause.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The key of each row, ascending.
    pub fn keys(&self) -> &[SiteKey] {
        &self.keys
    }

    /// The row of a site, if it is in the table. Where plates are names, a plate that is
    /// a number in `key`, or that has other leading zeros, is found by its digits.
    pub fn row(&self, key: &SiteKey) -> Option<usize> {
        let Some(alike) = self.plate_names.alike(&key.plate) else {
            return self.keys.binary_search(key).ok();
        };
        let mut keys = alike.iter().map(|plate| SiteKey {
            plate: plate.clone(),
            ..key.clone()
        });
        keys.find_map(|key| self.keys.binary_search(&key).ok())
    }

    /// The columns in the order of the file. A column `site_id` that the file does
    /// not have is first; its values are `{experiment}_{plate}_{well}_{site}`.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The column of that name.
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// Iterates over the site ids of the rows.
    pub fn site_ids(&self) -> impl Iterator<Item = &str> {
        self.texts(SITE_ID).into_iter().flat_map(Texts::cells)
    }

    /// The site id of one row.
    pub fn site_id(&self, row: usize) -> Option<&str> {
        self.texts(SITE_ID)?.get(row)
    }

    /// Iterates over the experiments of the rows, as the file spells them.
    pub fn experiments(&self) -> impl Iterator<Item = &str> {
        self.texts(EXPERIMENT).into_iter().flat_map(Texts::cells)
    }

    /// The cells of a text column.
    fn texts(&self, name: &str) -> Option<&Texts> {
        match &self.column(name)?.values {
            ColumnValues::String(values) => Some(values),
            _ => None,
        }
    }

    /// Removes the columns of those names.
    pub(crate) fn remove_columns(&mut self, names: &[&str]) {
        self.columns
            .retain(|column| !names.contains(&column.name.as_str()));
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
