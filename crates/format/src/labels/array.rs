//! One label array.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use rxrx_metadata::{Column, ColumnValues, Integers};
use serde_json::{Map, Value, json};
use zarrs::array::builder::ArrayBuilderFillValue;
use zarrs::array::{ArrayBuilder, CodecOptions, DataType, FillValue, IntoArrayBytes, data_type};
use zarrs::storage::store::MemoryStore;
use zarrs::storage::{ReadableStorageTraits, StoreKey};

use super::compression::{self, compress_values};
use crate::array_name::zarr_name;
use crate::column_meaning::ColumnMeaning;

/// A label array: its metadata document and its only chunk.
#[derive(Debug)]
pub struct Label {
    /// The array's name in the group.
    pub name: String,
    /// The content of its `zarr.json`.
    pub metadata: Value,
    /// Key of the chunk below the array, `c/0` or `c/0/0`.
    pub chunk_key: String,
    /// The encoded chunk.
    pub chunk: Vec<u8>,
}

/// A label array could not be built: a defect of the program.
#[derive(Debug, thiserror::Error)]
#[error("cannot build label array {name}: {reason}")]
pub struct LabelError {
    /// The array's name.
    pub name: String,
    /// Reason, as the Zarr library gives it.
    pub reason: String,
}

impl Label {
    /// Builds a one-dimensional text array.
    pub fn text(
        name: &str,
        dimension: &str,
        values: Vec<String>,
        meaning: &ColumnMeaning,
    ) -> Result<Self, LabelError> {
        let attributes = described(meaning);
        Self::build(
            name,
            &[dimension],
            &[values.len()],
            data_type::string(),
            "",
            values,
            attributes,
        )
    }

    /// Builds a two-dimensional array of truth values; `values` is row-major.
    pub fn flags(
        name: &str,
        dimensions: [&str; 2],
        shape: [usize; 2],
        values: Vec<bool>,
        meaning: &ColumnMeaning,
    ) -> Result<Self, LabelError> {
        let attributes = described(meaning);
        Self::build(
            name,
            &dimensions,
            &shape,
            data_type::bool(),
            FillValue::from(false),
            values,
            attributes,
        )
    }

    /// Builds the coordinate along `site` that holds a metadata column. Where it has blank
    /// whole numbers, the attribute of the name `blank` has the number that stands for them.
    pub fn column(
        column: &Column,
        meaning: &ColumnMeaning,
        blank: &str,
    ) -> Result<Self, LabelError> {
        let name = zarr_name(&column.name);
        let mut attributes = described(meaning);
        let site = &["site"];
        match &column.values {
            ColumnValues::String(values) => {
                // Arrays of text have no null: a blank is the empty string.
                let values: Vec<String> =
                    values.iter().map(|v| v.unwrap_or("").to_owned()).collect();
                Self::build(
                    &name,
                    site,
                    &[values.len()],
                    data_type::string(),
                    "",
                    values,
                    attributes,
                )
            }
            ColumnValues::Integer(values) => {
                let marker = blank_marker(values);
                if values.iter().any(|value| value.is_none()) {
                    attributes.insert(blank.to_owned(), json!(marker));
                }
                let shape = [values.len()];
                let cells = values.iter().map(|value| value.unwrap_or(marker));
                if values.is_wide() {
                    let (long, cells) = (data_type::int64(), cells.collect::<Vec<i64>>());
                    return Self::build(&name, site, &shape, long, 0i64, cells, attributes);
                }
                // All cells and the marker fit 32 bits.
                let cells: Vec<i32> = cells.map(|cell| cell as i32).collect();
                let short = data_type::int32();
                Self::build(&name, site, &shape, short, 0i32, cells, attributes)
            }
            ColumnValues::Float(values) => {
                let values: Vec<f64> = values.iter().map(|v| v.unwrap_or(f64::NAN)).collect();
                Self::build(
                    &name,
                    site,
                    &[values.len()],
                    data_type::float64(),
                    f64::NAN,
                    values,
                    attributes,
                )
            }
        }
    }

    fn build<'a, T>(
        name: &str,
        dimensions: &[&str],
        shape: &[usize],
        data_type: DataType,
        fill_value: impl Into<ArrayBuilderFillValue>,
        values: Vec<T>,
        attributes: Map<String, Value>,
    ) -> Result<Self, LabelError>
    where
        Vec<T>: IntoArrayBytes<'a>,
    {
        let failed = |reason: String| LabelError {
            name: name.to_owned(),
            reason,
        };
        let shape: Vec<u64> = shape.iter().map(|&length| length as u64).collect();
        let store = Arc::new(MemoryStore::new());
        let array = ArrayBuilder::new(shape.clone(), shape.clone(), data_type, fill_value)
            .dimension_names(Some(dimensions.iter().copied()))
            .attributes(attributes)
            .build(store.clone(), &format!("/{name}"))
            .map_err(|error| failed(error.to_string()))?;
        let origin = vec![0; shape.len()];
        // An absent chunk means "never written", so a chunk of fill values is stored, too.
        let options = CodecOptions::default().with_store_empty_chunks(true);
        array
            .store_chunk_opt(&origin, values, &options)
            .map_err(|error| failed(error.to_string()))?;
        let key: StoreKey = array.chunk_key(&origin);
        let chunk_key = key.as_str().strip_prefix(&format!("{name}/"));
        let chunk_key = chunk_key.map(str::to_owned).ok_or_else(|| {
            failed(format!(
                "its chunk has the key {key}, which another array has"
            ))
        })?;
        let chunk = store
            .get(&key)
            .map_err(|error| failed(error.to_string()))?
            .ok_or_else(|| failed("the chunk was not stored".to_owned()))?;
        let mut metadata =
            serde_json::to_value(array.metadata()).map_err(|error| failed(error.to_string()))?;
        let codecs = metadata.get_mut("codecs").and_then(Value::as_array_mut);
        codecs
            .ok_or_else(|| failed("its metadata has no codecs".to_owned()))?
            .extend(compression::codecs());
        Ok(Self {
            name: name.to_owned(),
            metadata,
            chunk_key,
            chunk: compress_values(&chunk).map_err(|error| failed(error.to_string()))?,
        })
    }
}

/// The attributes that describe an array.
fn described(meaning: &ColumnMeaning) -> Map<String, Value> {
    let mut attributes = Map::from_iter([
        ("long_name".to_owned(), json!(meaning.long_name)),
        ("description".to_owned(), json!(meaning.description)),
    ]);
    if let Some(units) = &meaning.units {
        attributes.insert("units".to_owned(), json!(units));
    }
    attributes
}

/// Returns the name of the attribute with the number that stands for a blank. That of
/// format 3 made xarray read whole numbers as floats.
pub(super) fn blank_attribute(format_version: u32) -> &'static str {
    match format_version {
        ..=3 => "_FillValue",
        _ => "blank_value",
    }
}

/// Chooses the number that stands for a blank: -1, or the smallest of the column's type
/// that the column does not hold.
fn blank_marker(values: &Integers) -> i64 {
    let held = |marker: &i64| values.iter().any(|value| value == Some(*marker));
    let smallest = match values.is_wide() {
        true => i64::MIN,
        false => i64::from(i32::MIN),
    };
    let mut markers = std::iter::once(-1).chain(smallest..);
    markers.find(|marker| !held(marker)).unwrap_or(-1)
}
