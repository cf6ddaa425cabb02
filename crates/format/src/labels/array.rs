//! One label array.

#[cfg(test)]
mod tests;

use std::iter;
use std::sync::Arc;

use rxrx_metadata::{Column, ColumnValues, Integers};
use serde_json::{Map, Value, json};
use zarrs::array::builder::ArrayBuilderFillValue;
use zarrs::array::{ArrayBuilder, CodecOptions, DataType, FillValue, IntoArrayBytes, data_type};
use zarrs::storage::store::MemoryStore;
use zarrs::storage::{ReadableStorageTraits, StoreKey};

use super::layout::LabelLayout;
use crate::array_name::zarr_name;
use crate::column_meaning::ColumnMeaning;

/// A label array: its metadata document and its only object.
#[derive(Debug)]
pub struct Label {
    /// The array's name in the group.
    pub name: String,
    /// The content of its `zarr.json`.
    pub metadata: Value,
    /// Key of the object below the array, `c/0` or `c/0/0`.
    pub chunk_key: String,
    /// The object: an encoded chunk or a shard.
    pub chunk: Vec<u8>,
}

/// Values of a label array, row-major, and what describes them.
struct Values<'a, T> {
    name: &'a str,
    dimensions: &'a [&'a str],
    shape: &'a [usize],
    data_type: DataType,
    values: Vec<T>,
    /// What pads the last chunk, and the `fill_value` of the array.
    fill: T,
    attributes: Map<String, Value>,
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
    /// Names of the dimensions, outermost first.
    pub fn dimensions(&self) -> impl Iterator<Item = &str> {
        let names = self.metadata.get("dimension_names");
        let names = names.and_then(Value::as_array).into_iter().flatten();
        names.filter_map(Value::as_str)
    }

    /// Builds a one-dimensional text array.
    pub fn text(
        name: &str,
        dimension: &str,
        values: Vec<String>,
        meaning: &ColumnMeaning,
        layout: LabelLayout,
    ) -> Result<Self, LabelError> {
        Self::build(
            Values {
                name,
                dimensions: &[dimension],
                shape: &[values.len()],
                data_type: data_type::string(),
                values,
                fill: String::new(),
                attributes: described(meaning),
            },
            "",
            layout,
        )
    }

    /// Builds a two-dimensional array of truth values; `values` is row-major.
    pub fn flags(
        name: &str,
        dimensions: [&str; 2],
        shape: [usize; 2],
        values: Vec<bool>,
        meaning: &ColumnMeaning,
        layout: LabelLayout,
    ) -> Result<Self, LabelError> {
        Self::build(
            Values {
                name,
                dimensions: &dimensions,
                shape: &shape,
                data_type: data_type::bool(),
                values,
                fill: false,
                attributes: described(meaning),
            },
            FillValue::from(false),
            layout,
        )
    }

    /// Builds a one-dimensional array of whole numbers without blanks.
    pub fn numbers(
        name: &str,
        dimension: &str,
        values: Vec<i64>,
        attributes: Map<String, Value>,
        layout: LabelLayout,
    ) -> Result<Self, LabelError> {
        Self::build(
            Values {
                name,
                dimensions: &[dimension],
                shape: &[values.len()],
                data_type: data_type::int64(),
                values,
                fill: 0,
                attributes,
            },
            0i64,
            layout,
        )
    }

    /// Builds the coordinate along `site` that holds a metadata column. Where it has blank
    /// whole numbers, the attribute of the name `blank` has the number that stands for them:
    /// `blank_value`, or in format 3 `_FillValue`, with which xarray reads whole numbers as
    /// floats.
    pub fn column(
        column: &Column,
        meaning: &ColumnMeaning,
        blank: &str,
        layout: LabelLayout,
    ) -> Result<Self, LabelError> {
        let name = zarr_name(&column.name);
        match &column.values {
            ColumnValues::String(values) => {
                // Arrays of text have no null: a blank is the empty string.
                let values = values.iter().map(|v| v.unwrap_or("").to_owned()).collect();
                Self::text(&name, "site", values, meaning, layout)
            }
            ColumnValues::Integer(values) => {
                let mut attributes = described(meaning);
                let marker = blank_marker(values);
                if values.iter().any(|value| value.is_none()) {
                    attributes.insert(blank.to_owned(), json!(marker));
                }
                let cells = values.iter().map(|value| value.unwrap_or(marker));
                if values.is_wide() {
                    return Self::numbers(&name, "site", cells.collect(), attributes, layout);
                }
                // All cells and the marker fit 32 bits.
                let values = Values {
                    name: &name,
                    dimensions: &["site"],
                    shape: &[cells.len()],
                    data_type: data_type::int32(),
                    values: cells.map(|cell| cell as i32).collect(),
                    fill: 0,
                    attributes,
                };
                Self::build(values, 0i32, layout)
            }
            ColumnValues::Float(values) => {
                let values: Vec<f64> = values.iter().map(|v| v.unwrap_or(f64::NAN)).collect();
                Self::build(
                    Values {
                        name: &name,
                        dimensions: &["site"],
                        shape: &[values.len()],
                        data_type: data_type::float64(),
                        values,
                        fill: f64::NAN,
                        attributes: described(meaning),
                    },
                    f64::NAN,
                    layout,
                )
            }
        }
    }

    fn build<'a, T: Clone>(
        values: Values<'_, T>,
        fill_value: impl Into<ArrayBuilderFillValue>,
        layout: LabelLayout,
    ) -> Result<Self, LabelError>
    where
        Vec<T>: IntoArrayBytes<'a>,
    {
        let name = values.name;
        Self::encode(values, fill_value, layout).map_err(|reason| LabelError {
            name: name.to_owned(),
            reason,
        })
    }

    /// Encodes the chunks with the Zarr library, one after the other, compresses them and
    /// makes the object of them. The error is the reason.
    fn encode<'a, T: Clone>(
        values: Values<'_, T>,
        fill_value: impl Into<ArrayBuilderFillValue>,
        layout: LabelLayout,
    ) -> Result<Self, String>
    where
        Vec<T>: IntoArrayBytes<'a>,
    {
        let Values {
            name,
            dimensions,
            shape,
            data_type,
            values,
            fill,
            attributes,
        } = values;
        let (&rows, others) = shape.split_first().ok_or("it has no axis")?;
        let columns: usize = others.iter().product();
        if values.len() != rows * columns {
            let found = values.len();
            return Err(format!("it has {found} values for the shape {shape:?}"));
        }
        let chunk_rows = layout.chunk_rows(rows);
        let lengths = |rows| iter::once(rows).chain(others.iter().copied());
        let lengths = |rows| lengths(rows).map(|length| length as u64).collect();
        let (array_shape, chunk_shape): (Vec<u64>, Vec<u64>) = (lengths(rows), lengths(chunk_rows));
        let store = Arc::new(MemoryStore::new());
        let array = ArrayBuilder::new(array_shape, chunk_shape, data_type, fill_value)
            .dimension_names(Some(dimensions.iter().copied()))
            .attributes(attributes)
            .build(store.clone(), &format!("/{name}"))
            .map_err(|error| error.to_string())?;
        // An absent chunk means "never written", so a chunk of fill values is stored, too.
        let options = CodecOptions::default().with_store_empty_chunks(true);
        let chunk_values = (chunk_rows * columns).max(1);
        let mut chunks = Vec::new();
        for chunk in values.chunks(chunk_values) {
            let mut chunk = chunk.to_vec();
            chunk.resize(chunk_values, fill.clone());
            let position = chunk_position(chunks.len(), shape);
            array
                .store_chunk_opt(&position, chunk, &options)
                .map_err(|error| error.to_string())?;
            let stored = store.get(&array.chunk_key(&position));
            let stored = stored.map_err(|error| error.to_string())?;
            chunks.push(stored.ok_or("a chunk was not stored")?.to_vec());
        }
        let key: StoreKey = array.chunk_key(&chunk_position(0, shape));
        let chunk_key = key.as_str().strip_prefix(&format!("{name}/"));
        let chunk_key = chunk_key.ok_or_else(|| format!("its object would be {key}"))?;
        let metadata = serde_json::to_value(array.metadata()).map_err(|error| error.to_string())?;
        let metadata = layout.complete(metadata, chunks.len());
        Ok(Self {
            name: name.to_owned(),
            metadata: metadata.ok_or("its metadata have no codecs")?,
            chunk_key: chunk_key.to_owned(),
            chunk: layout.object(&chunks).map_err(|error| error.to_string())?,
        })
    }
}

/// Position of a chunk in the grid of an array: chunks lie along the first axis only.
fn chunk_position(chunk: usize, shape: &[usize]) -> Vec<u64> {
    let others = shape.iter().skip(1).map(|_| 0);
    iter::once(chunk as u64).chain(others).collect()
}

/// The attributes that describe an array.
pub(super) fn described(meaning: &ColumnMeaning) -> Map<String, Value> {
    let mut attributes = Map::from_iter([
        ("long_name".to_owned(), json!(meaning.long_name)),
        ("description".to_owned(), json!(meaning.description)),
    ]);
    if let Some(units) = &meaning.units {
        attributes.insert("units".to_owned(), json!(units));
    }
    if !meaning.ids.is_empty() {
        // Text, because netCDF has no nested attributes.
        let ids = json!(meaning.ids).to_string();
        attributes.insert("ids".to_owned(), ids.into());
    }
    attributes
}

/// Chooses the number that stands for a blank: -1, or the smallest of the column's type
/// that the column does not hold.
fn blank_marker(values: &Integers) -> i64 {
    let held = |marker: &i64| values.iter().any(|value| value == Some(*marker));
    let smallest = match values.is_wide() {
        true => i64::MIN,
        false => i64::from(i32::MIN),
    };
    let mut markers = iter::once(-1).chain(smallest..);
    markers.find(|marker| !held(marker)).unwrap_or(-1)
}
