//! Reads `metadata.parquet`.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use arrow_schema::DataType;
use bytes::Bytes;
use rxrx_metadata::{Column, ColumnValues, Integers, Texts};

use super::batch::Batch;
use super::batches::each_batch;
use super::error::ReadTableError;
use crate::array_name::{column_name, input_name};
use crate::keys::SITES;

/// The first and the last columns, which do not come from the metadata table.
const FIRST: &str = "site_index";
const LAST: [&str; 4] = ["object", "byte_offset", "byte_length", "complete"];
/// The last columns in format 3.
const LAST_IN_FORMAT_3: [&str; 4] = ["shard", "offset", "length", "complete"];

/// The rows of `metadata.parquet`, in array order.
#[derive(Debug, Default)]
pub struct SitesTable {
    /// The columns of the metadata table of the input, by the names that they have there.
    pub columns: Vec<Column>,
    /// The place of each site.
    pub places: Vec<StoredSite>,
    /// Key-value metadata of the file.
    pub key_values: BTreeMap<String, String>,
}

/// The place of one site, as the table states it.
#[derive(Clone, Debug)]
pub struct StoredSite {
    /// Key of the object.
    pub shard: Arc<str>,
    /// Bytes of the site's chunks in the object.
    pub range: Range<u64>,
    /// Whether every plane of the site is stored.
    pub complete: bool,
}

impl SitesTable {
    /// The id of the site in that row.
    pub fn site_id(&self, row: usize) -> Option<&str> {
        let is_id = |column: &&Column| column.name == "site_id";
        match &self.columns.iter().find(is_id)?.values {
            ColumnValues::String(ids) => ids.get(row),
            _ => None,
        }
    }
}

/// Reads the table of an array of `sites`.
///
/// # Errors
/// [`ReadTableError`]: the object is not Parquet, columns or types differ from those of
/// the format, rows are not 0 to `sites` in order, or a required cell is null.
pub fn sites_of(bytes: Bytes, sites: usize) -> Result<SitesTable, ReadTableError> {
    let mut table = SitesTable::default();
    table.key_values = each_batch(SITES, bytes, sites, 1, |batch| {
        if batch.first_row == 0 {
            table.columns = empty_columns(batch)?;
        }
        let order = batch.integers(FIRST)?;
        batch.required(FIRST, &order)?;
        for (row, &index) in order.values().iter().enumerate() {
            if usize::try_from(index) != Ok(batch.first_row + row) {
                return Err(batch.cell(row, FIRST, format!("{index}, expected the row's number")));
            }
        }
        for column in &mut table.columns {
            append(column, batch)?;
        }
        append_places(&mut table.places, batch)
    })?;
    Ok(table)
}

/// The columns of the metadata table, still without rows.
fn empty_columns(batch: &Batch) -> Result<Vec<Column>, ReadTableError> {
    let schema = batch.rows.schema();
    let last = last(batch);
    let added = |name: &str| name == FIRST || last.contains(&name);
    let mut columns: Vec<Column> = Vec::new();
    for field in schema.fields().iter().filter(|field| !added(field.name())) {
        let refused = |found: String, expected: &str| ReadTableError::Column {
            table: SITES,
            column: field.name().clone(),
            found,
            expected: expected.to_owned(),
        };
        let name = input_name(field.name());
        if columns.iter().any(|column| column.name == name) {
            return Err(refused("there twice".to_owned(), "once"));
        }
        let values = match field.data_type() {
            DataType::Int32 => ColumnValues::Integer(Integers::empty(false)),
            DataType::Int64 => ColumnValues::Integer(Integers::empty(true)),
            DataType::Float64 => ColumnValues::Float(Vec::new()),
            DataType::Utf8 => ColumnValues::String(Texts::default()),
            other => return Err(refused(other.to_string(), "Int32, Int64, Float64 or Utf8")),
        };
        let name = name.to_owned();
        columns.push(Column { name, values });
    }
    batch.required("site_id", batch.texts("site_id")?)?;
    Ok(columns)
}

/// The names of the last columns, which tell the formats apart: a table of format 3 cannot
/// have another column of one of its own names.
fn last(batch: &Batch) -> [&'static str; 4] {
    if batch.has_column(LAST[0]) && batch.has_column(LAST[1]) {
        LAST
    } else {
        LAST_IN_FORMAT_3
    }
}

fn append(column: &mut Column, batch: &Batch) -> Result<(), ReadTableError> {
    // Format 3 has the names of the input.
    let name = match column_name(&column.name) {
        stored if batch.has_column(stored) => stored,
        _ => column.name.as_str(),
    };
    match &mut column.values {
        ColumnValues::Integer(values) => values.extend(batch.integers(name)?.iter()),
        ColumnValues::Float(values) => values.extend(batch.floats(name)?.iter()),
        ColumnValues::String(values) => values.extend(batch.texts(name)?.iter()),
    }
    Ok(())
}

fn append_places(places: &mut Vec<StoredSite>, batch: &Batch) -> Result<(), ReadTableError> {
    let [shard, offset, length, complete] = last(batch);
    let shards = batch.required(shard, batch.texts(shard)?)?;
    let ranges = batch.byte_ranges(offset, length)?;
    let complete = batch.required(complete, batch.flags(complete)?)?.values();
    for (row, (range, complete)) in ranges.into_iter().zip(complete).enumerate() {
        // The sites of a shard share one name.
        let name = shards.value(row);
        let shard = match places.last() {
            Some(before) if *before.shard == *name => before.shard.clone(),
            _ => name.into(),
        };
        places.push(StoredSite {
            shard,
            range,
            complete,
        });
    }
    Ok(())
}
