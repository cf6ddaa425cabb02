//! Reads CSV text as a table: checks, types and orders its rows.

use std::collections::HashMap;
use std::io::Read;

use super::aliases::{ColumnAliases, Header};
use super::column_names::{ColumnNameRule, ColumnNames};
use super::error::MetadataError;
use super::limits::Limits;
use super::metadata_table::{EXPERIMENT, MetadataTable, REQUIRED, SITE_ID};
use super::records::{Record, Records};
use crate::column::texts::Texts;
use crate::column::{Column, ColumnValues, is_blank};
use crate::excerpt::excerpt;
use crate::number::positive;
use crate::site::{ExperimentName, SiteKey};
use crate::well::Well;

/// Reads the table in `text`. `name` stands for the file in errors.
pub(super) fn read_table(
    name: &str,
    text: impl Read,
    limits: Limits,
    column_names: ColumnNameRule,
    aliases: &[ColumnAliases],
) -> Result<MetadataTable, MetadataError> {
    let rows = Rows::read(name, text, limits, column_names, aliases)?;
    let keys = rows.keys()?;

    let mut order: Vec<usize> = (0..keys.len()).collect();
    order.sort_by(|&a, &b| keys.get(a).cmp(&keys.get(b)));
    let keys: Vec<SiteKey> = order
        .iter()
        .filter_map(|&row| keys.get(row).cloned())
        .collect();
    rows.refuse_duplicate_sites(&keys, &order)?;
    let derived = match rows.column(SITE_ID) {
        Some(ids) => rows.check_site_ids(ids).map(|()| None)?,
        None => Some(rows.derive_site_ids(&keys, &order)?),
    };
    let columns = rows.columns.into_iter().map(|(name, cells)| {
        let cells = order.iter().map(|&row| cells.cell(row));
        // These are names, even if all of them look like numbers.
        let values = match name.as_str() {
            SITE_ID | EXPERIMENT | "well" => ColumnValues::text(cells),
            _ => ColumnValues::infer(cells),
        };
        Column { name, values }
    });
    let columns = derived.into_iter().chain(columns).collect();
    Ok(MetadataTable::new(name.into(), keys, columns))
}

/// The rows in the order of the file.
struct Rows<'name> {
    /// Name of the file, for errors.
    name: &'name str,
    /// Name and cells of each column.
    columns: Vec<(String, Texts)>,
    /// Line on which each row begins. The limit on bytes keeps the number of
    /// lines below 2^32.
    lines: Vec<u32>,
}

impl<'name> Rows<'name> {
    /// Reads all rows and checks their number of fields.
    fn read(
        name: &'name str,
        text: impl Read,
        limits: Limits,
        column_names: ColumnNameRule,
        aliases: &[ColumnAliases],
    ) -> Result<Self, MetadataError> {
        let mut records = Records::new(name, text, limits)?;
        let Some(header) = records.next()? else {
            return Err(MetadataError::Empty { name: name.into() });
        };
        let Header { names, site } =
            Header::new(&header.fields.iter().collect::<Vec<_>>(), aliases);
        let derived = site.map(|_| "site");
        check_header(name, header.line, &names, derived, limits, column_names)?;
        let columns = names.into_iter().map(|name| (name, Texts::default()));
        let columns = columns.collect();
        let mut rows = Self {
            name,
            columns,
            lines: Vec::new(),
        };
        while let Some(Record { line, fields }) = records.next()? {
            if fields.len() != rows.columns.len() {
                return Err(MetadataError::Ragged {
                    name: name.into(),
                    line,
                    found: fields.len(),
                    expected: rows.columns.len(),
                });
            }
            if rows.lines.len().saturating_mul(fields.len()) >= limits.cells {
                return Err(MetadataError::TooManyCells {
                    name: name.into(),
                    line,
                    limit: limits.cells,
                });
            }
            rows.lines.push(u32::try_from(line).unwrap_or(u32::MAX));
            for ((_, cells), cell) in rows.columns.iter_mut().zip(fields) {
                cells.push(cell);
            }
        }
        if rows.lines.is_empty() {
            return Err(MetadataError::NoRows { name: name.into() });
        }
        if let Some(site) = site {
            let cells = (0..rows.lines.len()).map(|_| Some(site.to_string()));
            rows.columns.push(("site".to_owned(), cells.collect()));
        }
        Ok(rows)
    }

    /// The cells of a column.
    fn column(&self, name: &str) -> Option<&Texts> {
        self.columns
            .iter()
            .find(|(column, _)| column == name)
            .map(|(_, cells)| cells)
    }

    /// The cells of a column that [`check_header`] demands.
    fn required(&self, name: &str) -> Result<&Texts, MetadataError> {
        self.column(name)
            .ok_or_else(|| MetadataError::MissingColumns {
                name: self.name.into(),
                missing: vec![name.to_owned()],
                header: self.columns.iter().map(|(name, _)| name.clone()).collect(),
            })
    }

    /// Line on which a row begins; 0 if there is no such row.
    fn line(&self, row: usize) -> u64 {
        self.lines.get(row).copied().map_or(0, u64::from)
    }

    /// Reads the key of each row.
    fn keys(&self) -> Result<Vec<SiteKey>, MetadataError> {
        let experiments = self.required(EXPERIMENT)?;
        let plates = self.required("plate")?;
        let wells = self.required("well")?;
        let sites = self.required("site")?;
        let mut names: HashMap<&str, ExperimentName> = HashMap::new();
        let mut keys = Vec::with_capacity(self.lines.len());
        for row in 0..self.lines.len() {
            let (experiment, well) = (experiments.cell(row), wells.cell(row));
            if is_blank(experiment) {
                return Err(self.refuse(
                    row,
                    EXPERIMENT,
                    experiment,
                    "an experiment",
                    "expected a name",
                ));
            }
            let number = |column, cells: &Texts, what| {
                let cell = cells.cell(row);
                positive(cell)
                    .filter(|_| !cell.starts_with('0'))
                    .ok_or_else(|| {
                        self.refuse(row, column, cell, what, "expected a whole number from 1")
                    })
            };
            keys.push(SiteKey {
                experiment: names
                    .entry(experiment)
                    .or_insert_with(|| ExperimentName::new(experiment))
                    .clone(),
                plate: number("plate", plates, "a plate number")?,
                well: well
                    .parse()
                    .map_err(|_| self.refuse(row, "well", well, "a well", Well::EXPECTED))?,
                site: number("site", sites, "a site number")?,
            });
        }
        Ok(keys)
    }

    /// Returns the error for a malformed value.
    fn refuse(
        &self,
        row: usize,
        column: &'static str,
        value: &str,
        what: &'static str,
        expected: &'static str,
    ) -> MetadataError {
        let (name, line) = (self.name.to_owned(), self.line(row));
        MetadataError::Value {
            name,
            line,
            column,
            value: excerpt(value),
            what,
            expected,
        }
    }

    /// Refuses two rows with one key. `keys` ascend; `order` is the row of each in
    /// the file.
    fn refuse_duplicate_sites(
        &self,
        keys: &[SiteKey],
        order: &[usize],
    ) -> Result<(), MetadataError> {
        for (pair, rows) in keys.windows(2).zip(order.windows(2)) {
            if let ([first, second], [first_row, second_row]) = (pair, rows)
                && first == second
            {
                return Err(MetadataError::DuplicateSite {
                    name: self.name.into(),
                    first: self.line(*first_row),
                    second: self.line(*second_row),
                    key: excerpt(&first.to_string()),
                });
            }
        }
        Ok(())
    }

    /// Refuses blank site ids and those that are there twice.
    fn check_site_ids(&self, ids: &Texts) -> Result<(), MetadataError> {
        let mut seen = HashMap::with_capacity(self.lines.len());
        for (row, id) in ids.cells().enumerate() {
            if is_blank(id) {
                return Err(self.refuse(row, SITE_ID, id, "a site id", "expected a name"));
            }
            if let Some(first) = seen.insert(id, row) {
                return Err(MetadataError::DuplicateSiteId {
                    name: self.name.into(),
                    first: self.line(first),
                    second: self.line(row),
                    site_id: excerpt(id),
                });
            }
        }
        Ok(())
    }

    /// Makes the column `site_id` of the required columns, in array order.
    fn derive_site_ids(&self, keys: &[SiteKey], order: &[usize]) -> Result<Column, MetadataError> {
        let experiments = self.required(EXPERIMENT)?;
        let ids = keys.iter().zip(order).map(|(key, &row)| {
            let experiment = experiments.cell(row);
            Some(format!(
                "{experiment}_{}_{}_{}",
                key.plate, key.well, key.site
            ))
        });
        Ok(Column {
            name: SITE_ID.into(),
            values: ColumnValues::String(ids.collect()),
        })
    }
}

/// Checks the number and the names of the columns of a header on `line`. `derived` is a
/// required column that the file does not have and that the aliases give.
fn check_header(
    name: &str,
    line: u64,
    header: &[String],
    derived: Option<&'static str>,
    limits: Limits,
    column_names: ColumnNameRule,
) -> Result<(), MetadataError> {
    if header.len() > limits.columns {
        return Err(MetadataError::TooManyColumns {
            name: name.into(),
            line,
            found: header.len(),
            limit: limits.columns,
        });
    }
    let has = |wanted: &str| header.iter().any(|column| column == wanted);
    let missing: Vec<String> = REQUIRED
        .into_iter()
        .filter(|&required| !has(required) && derived != Some(required))
        .map(str::to_owned)
        .collect();
    if !missing.is_empty() {
        return Err(MetadataError::MissingColumns {
            name: name.into(),
            missing,
            header: header.to_vec(),
        });
    }
    let mut names = ColumnNames::new(column_names);
    let refused = |position, column: &str, reason| MetadataError::ColumnName {
        name: name.into(),
        line,
        position,
        column: excerpt(column),
        reason,
    };
    // These columns are going to be derived, so their names are taken.
    let site_id = (!has(SITE_ID)).then_some(SITE_ID);
    for column in site_id.into_iter().chain(derived) {
        names
            .add(column)
            .map_err(|reason| refused(0, column, reason))?;
    }
    for (position, column) in (1..).zip(header) {
        names
            .add(column)
            .map_err(|reason| refused(position, column, reason))?;
    }
    Ok(())
}
