//! The sites of a dataset in numbers: values, parts of the split, blanks.

use std::collections::BTreeMap;
use std::fmt::Write;

use rxrx_metadata::{Column, ColumnValues, Plan};

use crate::split::PublishedSplit;

/// Metadata columns whose values the card counts, where they exist.
const COUNTED: [&str; 4] = ["experiment", "cell_type", "dataset", "well_type"];

/// Values of a column that have a line each. More than these share one.
const VALUES_AT_MOST: usize = 12;

/// Writes the section.
pub(super) fn write(
    card: &mut String,
    plan: &Plan,
    split: Option<&PublishedSplit>,
) -> std::fmt::Result {
    let table = plan.table();
    writeln!(
        card,
        "\n## Sites\n\n| column | value | sites |\n|---|---|---:|"
    )?;
    for column in COUNTED.iter().filter_map(|name| table.column(name)) {
        if let ColumnValues::String(values) = &column.values {
            let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
            for value in values.iter() {
                *counts.entry(value.unwrap_or("")).or_default() += 1;
            }
            write_counts(card, &column.name, &counts)?;
        }
    }
    if let Some(split) = split {
        let parts = split.parts.join("` and `");
        writeln!(
            card,
            "\nThe published split is in the column `{}`: `{parts}`.",
            split.column
        )?;
    }
    write_blanks(card, table.columns())
}

/// Writes how many sites have each value of a column, or how many values there are.
fn write_counts(card: &mut String, name: &str, counts: &BTreeMap<&str, usize>) -> std::fmt::Result {
    let cell = |value: &str| value.replace('|', "\\|");
    if let (Some((first, _)), Some((last, _)), true) = (
        counts.first_key_value(),
        counts.last_key_value(),
        counts.len() > VALUES_AT_MOST,
    ) {
        let (values, sites) = (counts.len(), counts.values().sum::<usize>());
        let (first, last) = (cell(first), cell(last));
        return writeln!(
            card,
            "| {name} | {values} values, {first} to {last} | {sites} |"
        );
    }
    for (value, count) in counts {
        writeln!(card, "| {name} | {} | {count} |", cell(value))?;
    }
    Ok(())
}

/// Writes which columns have blanks.
fn write_blanks(card: &mut String, columns: &[Column]) -> std::fmt::Result {
    let blanks = columns
        .iter()
        .map(|column| (column, blanks(&column.values)));
    let blanks: Vec<_> = blanks.filter(|(_, count)| *count > 0).collect();
    if blanks.is_empty() {
        return writeln!(card, "\nNo column has blanks.");
    }
    writeln!(
        card,
        "\nBlanks are nulls in `metadata.parquet`:\n\n| column | blanks |\n|---|---:|"
    )?;
    for (column, count) in blanks {
        writeln!(card, "| `{}` | {count} |", column.name)?;
    }
    Ok(())
}

/// Counts the blank cells of a column.
fn blanks(values: &ColumnValues) -> usize {
    match values {
        ColumnValues::Integer(values) => {
            let cells = (0..values.len()).map(|row| values.get(row));
            cells.filter(Option::is_none).count()
        }
        ColumnValues::Float(values) => values.iter().filter(|cell| cell.is_none()).count(),
        ColumnValues::String(values) => values.iter().filter(Option::is_none).count(),
    }
}
