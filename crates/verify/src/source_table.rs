//! Comparison of the metadata columns of a dataset with those of its source.

use rxrx_format::keys::SITES;
use rxrx_metadata::{Column, ColumnValues};
use rxrx_reader::consistency::{Finding, FindingKind, Findings, Tables};

/// Compares the widths of the columns of whole numbers. Datasets of format 3 have those of 64
/// bits only.
pub(super) fn compare_widths(stored: &[Column], source: &[Column], findings: &Findings) {
    for column in stored {
        let other = source.iter().find(|other| other.name == column.name);
        let widths = other.and_then(|other| bits(&column.values).zip(bits(&other.values)));
        if let Some((stored, source)) = widths.filter(|(stored, source)| stored != source) {
            let name = &column.name;
            let text =
                format!("{name} has whole numbers of {stored} bits, the source gives {source}");
            findings.object(FindingKind::UnlikeSource, SITES, text);
        }
    }
}

/// Compares the names and every cell of the columns. `rows` has the row of the source for each
/// site.
pub(super) fn compare_columns(
    stored: &[Column],
    source: &[Column],
    rows: &[Option<usize>],
    tables: &Tables,
    findings: &Findings,
) {
    let names = |columns: &[Column]| -> Vec<String> {
        columns.iter().map(|column| column.name.clone()).collect()
    };
    if names(stored) != names(source) {
        let text = format!(
            "the columns are {}, those of the source {}",
            names(stored).join(", "),
            names(source).join(", ")
        );
        findings.object(FindingKind::UnlikeSource, SITES, text);
    }
    for column in stored {
        let Some(other) = source.iter().find(|other| other.name == column.name) else {
            continue;
        };
        for (site, row) in rows.iter().enumerate() {
            let Some(row) = *row else { continue };
            if is_same(&column.values, site, &other.values, row) {
                continue;
            }
            findings.add(Finding {
                object: SITES.to_owned(),
                sites: Some(tables.span(site..site + 1)),
                channel: None,
                kind: FindingKind::UnlikeSource,
                text: format!(
                    "{} is {}, the source says {}",
                    column.name,
                    cell(&column.values, site),
                    cell(&other.values, row)
                ),
            });
        }
    }
}

fn is_same(stored: &ColumnValues, site: usize, source: &ColumnValues, row: usize) -> bool {
    match (stored, source) {
        (ColumnValues::Integer(a), ColumnValues::Integer(b)) => a.get(site) == b.get(row),
        (ColumnValues::String(a), ColumnValues::String(b)) => a.get(site) == b.get(row),
        (ColumnValues::Float(a), ColumnValues::Float(b)) => {
            let bits = |value: Option<&Option<f64>>| value.copied().flatten().map(f64::to_bits);
            bits(a.get(site)) == bits(b.get(row))
        }
        _ => false,
    }
}

/// Bits of the whole numbers of a column; `None` for one of another kind.
fn bits(values: &ColumnValues) -> Option<u32> {
    match values {
        ColumnValues::Integer(values) if values.is_wide() => Some(64),
        ColumnValues::Integer(_) => Some(32),
        _ => None,
    }
}

fn cell(values: &ColumnValues, row: usize) -> String {
    match values {
        ColumnValues::Integer(values) => text(values.get(row)),
        ColumnValues::Float(values) => text(values.get(row).copied().flatten()),
        ColumnValues::String(values) => text(values.get(row)),
    }
}

fn text<T: std::fmt::Debug>(value: Option<T>) -> String {
    match value {
        Some(value) => format!("{value:?}"),
        None => "blank".to_owned(),
    }
}
