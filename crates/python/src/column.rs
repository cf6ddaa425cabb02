//! A column of a table as an array of numpy.

use std::collections::BTreeMap;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float32Type, Float64Type, Int32Type, Int64Type};
use arrow_array::{Array, ArrayRef, ArrowPrimitiveType, RecordBatch};
use arrow_schema::DataType;
use numpy::{Element, IntoPyArray, PyArrayMethods};
use pyo3::exceptions::{PyKeyError, PyTypeError};
use pyo3::prelude::*;
use rxrx_reader::ArrowTable;

/// The values of a column, and which of them are there (`None`: all are); of texts, the
/// position of each in the list of different texts, which is in byte order, with -1 for a
/// null. Vectors of one length are rows of a matrix.
#[derive(IntoPyObject)]
pub(crate) enum Column<'py> {
    /// Numbers or truth values, and which are there.
    Values(Bound<'py, PyAny>, Option<Bound<'py, PyAny>>),
    /// Positions of texts, the texts, and nothing, which tells them from values.
    Texts(Bound<'py, PyAny>, Vec<String>, ()),
}

/// Returns a column of `table` by its name.
pub(crate) fn column<'py>(
    py: Python<'py>,
    table: &ArrowTable,
    name: &str,
) -> PyResult<Column<'py>> {
    let position = table
        .schema
        .index_of(name)
        .map_err(|_| PyKeyError::new_err(name.to_owned()))?;
    let arrays = table.batches.iter().map(|batch| batch.column(position));
    let arrays: Vec<&ArrayRef> = arrays.collect();
    match table.schema.field(position).data_type() {
        DataType::Int32 => Ok(primitive::<Int32Type>(py, &arrays)),
        DataType::Int64 => Ok(primitive::<Int64Type>(py, &arrays)),
        DataType::Float32 => Ok(primitive::<Float32Type>(py, &arrays)),
        DataType::Float64 => Ok(primitive::<Float64Type>(py, &arrays)),
        DataType::Boolean => {
            let values = arrays.iter().flat_map(|array| {
                let array = array.as_boolean();
                (0..array.len()).map(|row| array.is_valid(row) && array.value(row))
            });
            let values: Vec<bool> = values.collect();
            Ok(values_of(py, values, &arrays))
        }
        DataType::Utf8 => Ok(texts(py, &arrays)),
        DataType::FixedSizeList(_, length) => vectors(py, name, &arrays, *length),
        other => Err(PyTypeError::new_err(format!(
            "the column {name} has the type {other}, which numpy does not have"
        ))),
    }
}

/// Numbers; a null has the value 0.
fn primitive<'py, T>(py: Python<'py>, arrays: &[&ArrayRef]) -> Column<'py>
where
    T: ArrowPrimitiveType,
    T::Native: Element,
{
    let mut values = Vec::with_capacity(rows(arrays));
    for array in arrays {
        values.extend_from_slice(array.as_primitive::<T>().values());
    }
    values_of(py, values, arrays)
}

fn values_of<'py, T: Element>(
    py: Python<'py>,
    values: Vec<T>,
    arrays: &[&ArrayRef],
) -> Column<'py> {
    let has_nulls = arrays.iter().any(|array| array.null_count() > 0);
    let valid = has_nulls.then(|| {
        let valid = arrays
            .iter()
            .flat_map(|array| (0..array.len()).map(|row| array.is_valid(row)));
        let valid: Vec<bool> = valid.collect();
        valid.into_pyarray(py).into_any()
    });
    Column::Values(values.into_pyarray(py).into_any(), valid)
}

fn texts<'py>(py: Python<'py>, arrays: &[&ArrayRef]) -> Column<'py> {
    let texts = arrays.iter().flat_map(|array| array.as_string::<i32>());
    let texts: Vec<Option<&str>> = texts.collect();
    let mut numbers: BTreeMap<&str, i64> = texts.iter().flatten().map(|&text| (text, 0)).collect();
    for (number, place) in (0..).zip(numbers.values_mut()) {
        *place = number;
    }
    let positions = texts.iter().map(|text| {
        let number = text.and_then(|text| numbers.get(text));
        number.copied().unwrap_or(-1)
    });
    let positions: Vec<i64> = positions.collect();
    let names = numbers.keys().map(|&text| text.to_owned()).collect();
    Column::Texts(positions.into_pyarray(py).into_any(), names, ())
}

fn vectors<'py>(
    py: Python<'py>,
    name: &str,
    arrays: &[&ArrayRef],
    length: i32,
) -> PyResult<Column<'py>> {
    let mut values = Vec::new();
    for array in arrays {
        let lists = array.as_fixed_size_list();
        let numbers = lists.values().as_primitive_opt::<Float32Type>();
        let numbers = numbers.ok_or_else(|| {
            PyTypeError::new_err(format!("the column {name} has no lists of numbers"))
        })?;
        values.extend_from_slice(numbers.values());
    }
    let shape = [rows(arrays), usize::try_from(length).unwrap_or(0)];
    let matrix = values.into_pyarray(py).reshape(shape)?;
    Ok(Column::Values(matrix.into_any(), None))
}

fn rows(arrays: &[&ArrayRef]) -> usize {
    arrays.iter().map(|array| array.len()).sum()
}

/// Number of rows of a table.
pub(crate) fn table_rows(table: &ArrowTable) -> usize {
    table.batches.iter().map(RecordBatch::num_rows).sum()
}
