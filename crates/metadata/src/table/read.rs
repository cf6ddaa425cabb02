//! CSV text → table. A function of values: no file system.

use std::collections::HashMap;
use std::io::Read;

use super::limits::Limits;
use super::records::{Records, Row};
use super::{MetadataError, MetadataTable, REQUIRED, SITE_ID, shown};
use crate::array_name::ColumnNames;
use crate::column::is_blank;
use crate::site::positive;
use crate::{Column, ColumnValues, ExperimentName, SiteKey, Texts, Well};

pub(super) fn table(
    name: &str,
    text: impl Read,
    limits: Limits,
) -> Result<MetadataTable, MetadataError> {
    let rows = Rows::read(name, text, limits)?;
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
        None => Some(rows.derive_site_ids(&keys, &order)),
    };
    let columns = rows.columns.into_iter().map(|(name, cells)| {
        let cells = order.iter().map(|&row| cells.cell(row));
        // These are names even where all of them look like numbers.
        let values = match name.as_str() {
            SITE_ID | "experiment" | "well" => ColumnValues::text(cells),
            _ => ColumnValues::infer(cells),
        };
        Column { name, values }
    });
    Ok(MetadataTable {
        name: name.into(),
        keys,
        columns: derived.into_iter().chain(columns).collect(),
    })
}

/// The rows as they stand in the file.
struct Rows<'name> {
    name: &'name str,
    columns: Vec<(String, Texts)>,
    /// The line on which each row begins; there are fewer than 4 thousand
    /// million bytes, let alone lines.
    lines: Vec<u32>,
}

impl<'name> Rows<'name> {
    fn read(name: &'name str, text: impl Read, limits: Limits) -> Result<Self, MetadataError> {
        let mut records = Records::new(name, text, limits)?;
        let Some(header) = records.next()? else {
            return Err(MetadataError::Empty { name: name.into() });
        };
        check_header(name, &header, limits)?;
        let columns = header
            .fields
            .iter()
            .map(|name| (name.to_owned(), Texts::default()))
            .collect();
        let mut rows = Self {
            name,
            columns,
            lines: Vec::new(),
        };
        while let Some(Row { line, fields }) = records.next()? {
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
        Ok(rows)
    }

    fn column(&self, name: &str) -> Option<&Texts> {
        self.columns
            .iter()
            .find(|(column, _)| column == name)
            .map(|(_, cells)| cells)
    }

    fn line(&self, row: usize) -> u64 {
        self.lines.get(row).copied().map_or(0, u64::from)
    }

    fn keys(&self) -> Result<Vec<SiteKey>, MetadataError> {
        let [Some(experiments), Some(plates), Some(wells), Some(sites)] =
            REQUIRED.map(|required| self.column(required))
        else {
            return Ok(Vec::new()); // check_header saw to it that they are there
        };
        let mut names: HashMap<&str, ExperimentName> = HashMap::new();
        let mut keys = Vec::with_capacity(self.lines.len());
        for row in 0..self.lines.len() {
            let (experiment, well) = (experiments.cell(row), wells.cell(row));
            if is_blank(experiment) {
                return Err(self.refuse(
                    row,
                    "experiment",
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
            value: shown(value),
            what,
            expected,
        }
    }

    /// `keys` ascend; `order` says which row of the file each belongs to.
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
                    key: shown(&first.to_string()),
                });
            }
        }
        Ok(())
    }

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
                    site_id: shown(id),
                });
            }
        }
        Ok(())
    }

    fn derive_site_ids(&self, keys: &[SiteKey], order: &[usize]) -> Column {
        let experiments = self.column("experiment");
        let ids = keys.iter().zip(order).map(|(key, &row)| {
            let experiment = experiments.map(|cells| cells.cell(row)).unwrap_or_default();
            Some(format!(
                "{experiment}_{}_{}_{}",
                key.plate, key.well, key.site
            ))
        });
        Column {
            name: SITE_ID.into(),
            values: ColumnValues::String(ids.collect()),
        }
    }
}

fn check_header(name: &str, row: &Row<'_>, limits: Limits) -> Result<(), MetadataError> {
    let Row { line, fields } = *row;
    if fields.len() > limits.columns {
        return Err(MetadataError::TooManyColumns {
            name: name.into(),
            line,
            found: fields.len(),
            limit: limits.columns,
        });
    }
    let missing: Vec<String> = REQUIRED
        .into_iter()
        .filter(|&required| fields.iter().all(|column| column != required))
        .map(str::to_owned)
        .collect();
    if !missing.is_empty() {
        return Err(MetadataError::MissingColumns {
            name: name.into(),
            missing,
            header: fields.iter().map(str::to_owned).collect(),
        });
    }
    let mut names = ColumnNames::default();
    if fields.iter().all(|column| column != SITE_ID) {
        // It is going to be derived, so its name is taken.
        names.conflict(SITE_ID);
    }
    for (position, column) in (1..).zip(fields) {
        if let Some(reason) = names.conflict(column) {
            return Err(MetadataError::ColumnName {
                name: name.into(),
                line,
                position,
                column: shown(column),
                reason,
            });
        }
    }
    Ok(())
}
