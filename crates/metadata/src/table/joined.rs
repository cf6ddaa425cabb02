//! The join of two tables.

use std::collections::HashMap;

use rxrx_tables::{Limits, RawColumn, RawTable, excerpt};

use super::error::MetadataError;
use crate::column::whole;
use crate::plate::significant;
use crate::problem::{ProblemKind, Problems};
use crate::site::ExperimentName;
use crate::well::Well;

/// Gives each row of `rows` the columns of the row of `other` with the same values of the
/// columns `on`, and returns what is told of it. `kinds` are the problems of rows without a
/// match, and of values in `other` that no row has.
pub(super) fn join(
    rows: &mut RawTable,
    other: RawTable,
    on: &[String],
    kinds: [ProblemKind; 2],
    limits: Limits,
) -> Result<Problems, MetadataError> {
    let mut notices = Problems::default();
    let keys_of = |table: &RawTable| keys(table, on);
    let (ours, theirs) = (keys_of(rows)?, keys_of(&other)?);
    let is_key = |column: &&RawColumn| !on.contains(&column.name);
    for column in other.columns.iter().filter(is_key) {
        if rows.position(&column.name).is_some() {
            return Err(MetadataError::ColumnInBoth {
                name: other.name.clone(),
                column: excerpt(&column.name),
                table: rows.name.clone(),
            });
        }
    }
    let columns = rows.columns.len().saturating_add(other.columns.len());
    limits.check_cells(&other.name, 0, rows.len() as u64, columns)?;
    let mut by_key: HashMap<&[String], usize> = HashMap::with_capacity(theirs.len());
    for (row, key) in theirs.iter().enumerate() {
        if let Some(first) = by_key.insert(key, row) {
            return Err(MetadataError::JoinedTwice {
                name: other.name.clone(),
                first: other.line(first),
                second: other.line(row),
                key: excerpt(&key.join(", ")),
            });
        }
    }
    let matches: Vec<Option<usize>> = ours
        .iter()
        .map(|key| by_key.get(key.as_slice()).copied())
        .collect();
    let mut is_used = vec![false; theirs.len()];
    for row in matches.iter().flatten() {
        is_used
            .get_mut(*row)
            .into_iter()
            .for_each(|used| *used = true);
    }
    let mut absent: Vec<&[String]> = Vec::new();
    let unmatched = ours
        .iter()
        .zip(&matches)
        .filter(|(_, found)| found.is_none());
    absent.extend(unmatched.map(|(key, _)| key.as_slice()));
    absent.sort();
    absent.dedup();
    for key in absent {
        notices.add(kinds[0], 0, || excerpt(&key.join(" ")));
    }
    for (key, _) in theirs.iter().zip(&is_used).filter(|(_, used)| !**used) {
        notices.add(kinds[1], 0, || excerpt(&key.join(" ")));
    }
    for column in other.columns.iter().filter(is_key) {
        let matches = matches.iter();
        let cells = matches.map(|found| found.map_or("", |row| column.cells.cell(row)));
        rows.insert_column(usize::MAX, &column.name, cells, &other.name, limits)?;
    }
    rows.left_out.extend(other.left_out);
    Ok(notices)
}

/// The values of the columns `on` of each row, as they are compared.
fn keys(table: &RawTable, on: &[String]) -> Result<Vec<Vec<String>>, MetadataError> {
    let columns = on
        .iter()
        .filter_map(|name| Some((name, table.column(name)?)));
    let columns: Vec<_> = columns.collect();
    if columns.len() < on.len() || on.is_empty() {
        let is_missing = |name: &&String| table.column(name).is_none();
        return Err(MetadataError::MissingColumns {
            name: table.name.clone(),
            missing: on.iter().filter(is_missing).cloned().collect(),
            header: table
                .columns
                .iter()
                .map(|column| column.name.clone())
                .collect(),
        });
    }
    let key = |row: usize| {
        let cells = columns
            .iter()
            .map(|(name, cells)| alike(name, cells.cell(row)));
        cells.collect()
    };
    Ok((0..table.len()).map(key).collect())
}

/// The text of a cell by which rows are joined: `A1` is `A01`, `HUVEC-01` is `HUVEC-1`,
/// and `1.0` and `01` are 1.
fn alike(column: &str, cell: &str) -> String {
    let cell = cell.trim();
    match column {
        "experiment" => ExperimentName::new(cell).as_str().to_owned(),
        "well" => cell
            .parse()
            .map_or_else(|_| cell.to_owned(), |well: Well| well.to_string()),
        _ => significant(whole(cell).unwrap_or(cell)).to_owned(),
    }
}
