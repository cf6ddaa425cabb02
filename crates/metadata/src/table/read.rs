//! Checks, types and orders the rows of a table.

use std::collections::HashMap;

use rxrx_tables::{RawTable, TableFileError, Texts, excerpt, is_blank};

use super::column_names::{ColumnNameRule, ColumnNames};
use super::error::MetadataError;
use super::metadata_table::{EXPERIMENT, MetadataTable, REQUIRED, SITE_ID};
use crate::column::{Column, ColumnValues, whole};
use crate::discover::listing::Shared;
use crate::number::positive;
use crate::plate::Plate;
use crate::problem::{ProblemKind, Problems};
use crate::site::{ExperimentName, SiteKey};
use crate::well::Well;

/// Makes a table of `rows`, whose columns must have the names that `column_names` allows.
pub(super) fn read_table(
    rows: RawTable,
    column_names: ColumnNameRule,
) -> Result<MetadataTable, MetadataError> {
    check_header(&rows, column_names)?;
    if rows.is_empty() {
        return Err(TableFileError::NoRows { name: rows.name }.into());
    }
    let rows = Rows(rows);
    let keys = rows.keys()?;

    let mut order: Vec<usize> = (0..keys.len()).collect();
    order.sort_by(|&a, &b| keys.get(a).cmp(&keys.get(b)));
    let keys: Vec<SiteKey> = order
        .iter()
        .filter_map(|&row| keys.get(row).cloned())
        .collect();
    rows.refuse_duplicate_sites(&keys, &order)?;
    let derived = match rows.0.column(SITE_ID) {
        Some(ids) => rows.check_site_ids(ids).map(|()| None)?,
        None => Some(rows.derive_site_ids(&keys, &order)?),
    };
    let plates_are_names = matches!(keys.first(), Some(key) if matches!(key.plate, Plate::Name(_)));
    let RawTable {
        name,
        columns,
        left_out,
        ..
    } = rows.0;
    let columns = columns.into_iter().map(|column| {
        let cells = order.iter().map(|&row| column.cells.cell(row));
        // These are names, even if all of them look like numbers.
        let values = match column.name.as_str() {
            SITE_ID | EXPERIMENT | "well" => ColumnValues::text(cells),
            "plate" if plates_are_names => ColumnValues::text(cells),
            "plate" | "site" => ColumnValues::infer(cells.map(|cell| whole(cell).unwrap_or(cell))),
            _ => ColumnValues::infer(cells),
        };
        let name = column.name;
        Column { name, values }
    });
    let columns = derived.into_iter().chain(columns).collect();
    let mut notices = Problems::default();
    for text in left_out {
        notices.add(ProblemKind::UnnamedColumns, 0, || text);
    }
    Ok(MetadataTable::new(name, keys, columns).with_notices(notices))
}

/// The rows in the order of the file.
struct Rows(RawTable);

impl Rows {
    /// The cells of a column that [`check_header`] demands.
    fn required(&self, name: &str) -> Result<&Texts, MetadataError> {
        self.0
            .column(name)
            .ok_or_else(|| missing_columns(&self.0, vec![name.to_owned()]))
    }

    /// Reads the key of each row.
    fn keys(&self) -> Result<Vec<SiteKey>, MetadataError> {
        let experiments = self.required(EXPERIMENT)?;
        let plates = self.plates()?;
        let wells = self.required("well")?;
        let sites = self.required("site")?;
        let mut names: HashMap<&str, ExperimentName> = HashMap::new();
        let mut keys = Vec::with_capacity(self.0.len());
        for row in 0..self.0.len() {
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
                let number = positive(whole(cell).unwrap_or(cell));
                number.filter(|_| !cell.starts_with('0')).ok_or_else(|| {
                    self.refuse(row, column, cell, what, "expected a whole number from 1")
                })
            };
            keys.push(SiteKey {
                experiment: names
                    .entry(experiment)
                    .or_insert_with(|| ExperimentName::new(experiment))
                    .clone(),
                plate: plates.get(row).cloned().unwrap_or(Plate::Number(0)),
                well: well
                    .parse()
                    .map_err(|_| self.refuse(row, "well", well, "a well", Well::EXPECTED))?,
                site: number("site", sites, "a site number")?,
            });
        }
        Ok(keys)
    }

    /// Reads the plate of each row: numbers if all of them are, else names.
    fn plates(&self) -> Result<Vec<Plate>, MetadataError> {
        let cells = self.required("plate")?;
        if let Some(row) = cells.cells().position(is_blank) {
            let expected = "expected a number or a name";
            return Err(self.refuse(row, "plate", cells.cell(row), "a plate", expected));
        }
        let number = |cell| Plate::number_of_table(whole(cell).unwrap_or(cell));
        if let Some(numbers) = cells.cells().map(number).collect() {
            return Ok(numbers);
        }
        let mut names = Shared::new(Plate::name);
        Ok(cells.cells().map(|cell| names.shared(cell)).collect())
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
        let (name, line) = (self.0.name_of(row).to_owned(), self.0.line(row));
        MetadataError::Value {
            name,
            line,
            column,
            value: excerpt(value),
            what,
            expected,
        }
    }

    /// The file of two rows, or both files.
    fn names_of(&self, one: usize, other: usize) -> String {
        match (self.0.name_of(one), self.0.name_of(other)) {
            (one, other) if one == other => one.to_owned(),
            (one, other) => format!("{one} and {other}"),
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
                    name: self.names_of(*first_row, *second_row),
                    first: self.0.line(*first_row),
                    second: self.0.line(*second_row),
                    key: excerpt(&first.to_string()),
                });
            }
        }
        Ok(())
    }

    /// Refuses blank site ids and those that are there twice.
    fn check_site_ids(&self, ids: &Texts) -> Result<(), MetadataError> {
        let mut seen = HashMap::with_capacity(self.0.len());
        for (row, id) in ids.cells().enumerate() {
            if is_blank(id) {
                return Err(self.refuse(row, SITE_ID, id, "a site id", "expected a name"));
            }
            if let Some(first) = seen.insert(id, row) {
                return Err(MetadataError::DuplicateSiteId {
                    name: self.names_of(first, row),
                    first: self.0.line(first),
                    second: self.0.line(row),
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

/// Returns the error of columns that are not there.
fn missing_columns(rows: &RawTable, missing: Vec<String>) -> MetadataError {
    let header = rows.columns.iter().map(|column| column.name.clone());
    MetadataError::MissingColumns {
        name: rows.name.clone(),
        missing,
        header: header.collect(),
    }
}

/// Checks the names of the columns.
fn check_header(rows: &RawTable, column_names: ColumnNameRule) -> Result<(), MetadataError> {
    let missing: Vec<String> = REQUIRED
        .into_iter()
        .filter(|required| rows.column(required).is_none())
        .map(str::to_owned)
        .collect();
    if !missing.is_empty() {
        return Err(missing_columns(rows, missing));
    }
    let mut names = ColumnNames::new(column_names);
    let refused = |position, column, reason| MetadataError::ColumnName {
        name: rows.name.clone(),
        line: rows.header_line,
        position,
        column: excerpt(column),
        reason,
    };
    if rows.column(SITE_ID).is_none() {
        // The column is going to be derived, so its name is taken.
        names
            .add(SITE_ID)
            .map_err(|reason| refused(0, SITE_ID, reason))?;
    }
    for (position, column) in (1..).zip(&rows.columns) {
        names
            .add(&column.name)
            .map_err(|reason| refused(position, &column.name, reason))?;
    }
    Ok(())
}
