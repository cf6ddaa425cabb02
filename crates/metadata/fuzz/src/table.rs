//! Tables: every table that is read is complete and ordered, can be written and
//! read again, joined and planned.

use std::collections::HashSet;
use std::fmt::Write;

use csv::{QuoteStyle, WriterBuilder};
use rxrx_metadata::{
    Column, ColumnValues, DataType, Join, JoinError, Layout, Listing, MetadataError, MetadataTable,
    Plan, Selection, SiteIndex,
};

/// Most bytes of a message, however long the values that it shows.
const LONGEST_MESSAGE: usize = 20_000;

/// Runs one input: a text that may be a table.
///
/// # Panics
///
/// A table breaks its promises, or an error does not name its file.
pub fn run(input: &[u8]) {
    match MetadataTable::read("m.csv", input) {
        Ok(table) => judge(&table),
        Err(error) => judge_error(&error, "m.csv"),
    }
}

/// Checks that an error names the file and is short.
///
/// # Panics
///
/// The error does not name the file, or is too long.
pub fn judge_error(error: &MetadataError, file: &str) {
    let text = error.to_string();
    assert!(text.contains(file), "{text}");
    assert!(text.len() < LONGEST_MESSAGE, "{} bytes", text.len());
}

/// Checks that a table keeps the promises of its documentation.
///
/// # Panics
///
/// The table breaks a promise.
pub fn judge(table: &MetadataTable) {
    assert!(!table.is_empty());
    assert!(table.keys().is_sorted_by(|a, b| a < b));
    for column in table.columns() {
        assert_eq!(column.values.len(), table.len(), "{:?}", column.name);
    }
    let names = table.columns().iter().map(|column| &column.name);
    let names: HashSet<&String> = names.collect();
    assert_eq!(names.len(), table.columns().len());
    let ids: HashSet<&str> = table.site_ids().collect();
    assert_eq!(ids.len(), table.len());
    assert!(ids.iter().all(|id| !id.trim().is_empty()));
    for (row, key) in table.keys().iter().enumerate() {
        assert_eq!(table.row(key), Some(row));
    }
    reads_back(table);
    select(table);
    plan(table);
}

fn reads_back(table: &MetadataTable) {
    let columns: Vec<Vec<String>> = table.columns().iter().map(cells).collect();
    let mut writer = WriterBuilder::new()
        .quote_style(QuoteStyle::Always)
        .from_writer(Vec::new());
    let header = table.columns().iter().map(|column| &column.name);
    writer.write_record(header).expect("memory takes all");
    for row in 0..table.len() {
        let cells = columns.iter().map(|column| &column[row]);
        writer.write_record(cells).expect("memory takes all");
    }
    let text = writer.into_inner().expect("memory takes all");
    let again = MetadataTable::read("again.csv", text.as_slice()).expect("it was a table");
    assert_eq!(again.keys(), table.keys());
    assert_eq!(again.columns().len(), table.columns().len());
    for (one, other) in again.columns().iter().zip(table.columns()) {
        assert_eq!(one.name, other.name);
        assert_eq!(cells(one), cells(other), "{:?}", one.name);
        let types = [one, other].map(|column| std::mem::discriminant(&column.values));
        assert_eq!(types[0], types[1], "{:?}", one.name);
    }
}

fn cells(column: &Column) -> Vec<String> {
    fn texts<T>(values: &[Option<T>], text: impl Fn(&T) -> String) -> Vec<String> {
        values
            .iter()
            .map(|value| value.as_ref().map(&text).unwrap_or_default())
            .collect()
    }
    match &column.values {
        ColumnValues::Integer(values) => values
            .iter()
            .map(|value| value.map(|value| value.to_string()).unwrap_or_default())
            .collect(),
        // Not as a whole number, which might be too large for a float.
        ColumnValues::Float(values) => texts(values, |value| match value {
            value if value.is_finite() => format!("{value:e}"),
            value => value.to_string(),
        }),
        ColumnValues::String(values) => values
            .iter()
            .map(|value| value.unwrap_or_default().to_owned())
            .collect(),
    }
}

/// Chooses rows by clauses made of the table's own cells.
fn select(table: &MetadataTable) {
    for column in table.columns().iter().take(16) {
        for cell in cells(column).into_iter().take(4) {
            let clause = [format!("{}={cell}", column.name)];
            for (include, exclude) in [(&clause[..], &[][..]), (&[], &clause)] {
                let Ok(selection) = Selection::parse(include, exclude) else {
                    continue;
                };
                if let Ok(rows) = selection.rows(table) {
                    assert!(rows.is_sorted_by(|a, b| a < b));
                    assert!(rows.last().is_some_and(|&row| row < table.len()));
                }
            }
        }
    }
}

/// Joins the images of two channels of each row, and plans.
fn plan(table: &MetadataTable) {
    let mut paths: Vec<Box<str>> = Vec::new();
    let mut expected = 0;
    for key in table.keys() {
        for channel in [1, 300] {
            let mut path = String::from("train/");
            write!(path, "{key}_w{channel}.png").expect("memory takes all");
            let names = [key.experiment.to_string(), key.plate.to_string()];
            expected += usize::from(names.iter().all(|name| !name.contains('/')));
            paths.push(path.into());
        }
    }
    let listing = Listing::from_paths(paths);
    let join = match Join::new(table.clone(), listing, &Selection::default()) {
        Ok(join) => join,
        Err(JoinError::NoImageHasRow { .. } | JoinError::NoImages { .. }) if expected == 0 => {
            return;
        }
        Err(error) => panic!("{error}"),
    };
    let planes = table.len() * join.channels().len();
    assert!(join.sample_sources(3).len() <= 3);
    let layout = Layout {
        shard_sites: Some(1 + table.len() / 2),
        ..Layout::default()
    };
    let plan = Plan::new(join, 7, 9, DataType::UInt16, layout).expect("a small array");
    assert!(plan.present_planes() >= expected);
    assert_eq!(plan.present_planes() + plan.missing_planes(), planes);
    let covered = plan.units().flat_map(|unit| unit.sites);
    assert!(covered.eq(0..table.len()));
    assert_eq!(plan.source(SiteIndex(table.len()), 0), None);
}
