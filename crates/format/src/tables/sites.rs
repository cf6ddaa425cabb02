//! `metadata.parquet`: one row for each site; row *i* describes `images[i]`.

#![allow(
    clippy::indexing_slicing,
    reason = "row groups cover the rows of the table"
)]

use std::ops::Range;
use std::sync::Arc;

use arrow_array::{ArrayRef, BooleanArray, Float64Array, Int32Array, Int64Array, StringArray};
use rxrx_metadata::{Column, ColumnValues, Plan};

use super::schema::sites_schema;
use super::writer::{TableError, TableWriter, check_rows, site_groups, site_indices};
use crate::column_meaning::ColumnMeanings;
use crate::keys::{SITES, shard_key};

/// Encodes the table. `places` has one entry for each site, in array order; `meanings` are
/// the descriptions of the columns of the plan.
///
/// # Errors
/// [`TableError`], a defect: `places` has another length, or the Parquet writer fails.
pub fn sites_table(
    plan: &Plan,
    places: &[SitePlace],
    meanings: &ColumnMeanings,
    key_values: &[(&str, String)],
) -> Result<Vec<u8>, TableError> {
    let table = plan.table();
    check_rows(SITES, places.len(), table.len())?;
    let groups: Vec<Range<usize>> = site_groups(table.len()).collect();
    let longest = groups.iter().map(ExactSizeIterator::len).max().unwrap_or(0);
    let bloom: Vec<(String, usize)> = table
        .columns()
        .iter()
        .filter(|column| column.name.ends_with("_id"))
        .map(|column| (column.name.clone(), longest))
        .collect();

    let schema = sites_schema(table.columns(), meanings);
    let mut writer = TableWriter::new(SITES, schema, &bloom, key_values)?;
    for group in groups {
        let places = &places[group.clone()];
        let mut columns: Vec<ArrayRef> = vec![Arc::new(site_indices(group.clone()))];
        columns.extend(table.columns().iter().map(|column| values(column, &group)));
        let geometry = plan.geometry();
        let shard = |site: usize| shard_key(site / geometry.shard_sites);
        columns.push(Arc::new(StringArray::from_iter_values(
            group.clone().map(shard),
        )));
        columns.push(Arc::new(Int64Array::from_iter_values(
            places.iter().map(|place| place.range.start as i64),
        )));
        let lengths = places
            .iter()
            .map(|place| (place.range.end - place.range.start) as i64);
        columns.push(Arc::new(Int64Array::from_iter_values(lengths)));
        let complete: Vec<bool> = places.iter().map(|place| place.complete).collect();
        columns.push(Arc::new(BooleanArray::from(complete)));
        writer.write_group(columns)?;
    }
    writer.finish()
}

/// The place of a site's pixels in its shard.
#[derive(Clone, Debug)]
pub struct SitePlace {
    /// Bytes of the site's chunks in the shard.
    pub range: Range<u64>,
    /// Whether all planes of the site are stored.
    pub complete: bool,
}

/// The values of a column in some rows.
fn values(column: &Column, rows: &Range<usize>) -> ArrayRef {
    match &column.values {
        ColumnValues::Integer(values) => {
            let cells = rows.clone().map(|row| values.get(row));
            match values.is_wide() {
                true => Arc::new(Int64Array::from_iter(cells)),
                // All cells fit 32 bits.
                false => {
                    let cells = cells.map(|cell| cell.map(|value| value as i32));
                    Arc::new(Int32Array::from_iter(cells))
                }
            }
        }
        ColumnValues::Float(values) => {
            let values = values[rows.clone()].iter().copied();
            Arc::new(Float64Array::from_iter(values))
        }
        ColumnValues::String(values) => {
            let values = rows.clone().map(|row| values.get(row));
            Arc::new(StringArray::from_iter(values))
        }
    }
}
