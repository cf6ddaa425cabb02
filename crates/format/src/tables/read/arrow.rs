//! A whole table as Arrow data, for programs that compute with it.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, FixedSizeListArray, RecordBatch};
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef};
use bytes::Bytes;
use parquet::errors::ParquetError;

use super::batches::each_batch;
use super::error::ReadTableError;

/// A table as Arrow data. A column that holds a list of the same length in every row has
/// lists of fixed size.
#[derive(Clone, Debug)]
pub struct ArrowTable {
    /// Names and types of the columns.
    pub schema: SchemaRef,
    /// The rows, some thousands in each batch.
    pub batches: Vec<RecordBatch>,
}

/// Reads the table with the key `table`, which must have `rows` rows, with `values_a_row`
/// values at most in a column.
///
/// # Errors
/// [`ReadTableError`]: the object is not Parquet, or it has another number of rows.
pub fn arrow_table_of(
    table: &'static str,
    bytes: Bytes,
    rows: usize,
    values_a_row: usize,
) -> Result<ArrowTable, ReadTableError> {
    let mut batches = Vec::new();
    let arrow = |error: ArrowError| ReadTableError::Parquet {
        table,
        source: ParquetError::ArrowError(error.to_string()),
    };
    each_batch(table, bytes, rows, values_a_row.max(1), |batch| {
        batches.push(with_fixed_lists(&batch.rows, values_a_row).map_err(arrow)?);
        Ok(())
    })?;
    let schema = batches.first().map(RecordBatch::schema);
    Ok(ArrowTable {
        schema: schema.unwrap_or_else(|| Arc::new(Schema::empty())),
        batches,
    })
}

/// Returns `rows` with lists of fixed size in place of lists that all have `length` values.
fn with_fixed_lists(rows: &RecordBatch, length: usize) -> Result<RecordBatch, ArrowError> {
    let schema = rows.schema();
    let columns = schema.fields().iter().zip(rows.columns());
    let columns = columns.map(|(field, values)| match fixed_list(values, length)? {
        Some(list) => {
            let field = Field::new(field.name(), list.data_type().clone(), field.is_nullable());
            Ok((Arc::new(field), Arc::new(list) as ArrayRef))
        }
        None => Ok((field.clone(), values.clone())),
    });
    let (fields, columns): (Vec<_>, Vec<_>) = columns
        .collect::<Result<Vec<_>, ArrowError>>()?
        .into_iter()
        .unzip();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)
}

/// Returns a column of lists of `length` values as lists of fixed size; `None` for any other
/// column.
fn fixed_list(values: &ArrayRef, length: usize) -> Result<Option<FixedSizeListArray>, ArrowError> {
    let (DataType::List(item), Some(list)) = (values.data_type(), values.as_list_opt::<i32>())
    else {
        return Ok(None);
    };
    let mut lengths = list
        .value_offsets()
        .iter()
        .zip(list.value_offsets().iter().skip(1));
    let size = i32::try_from(length).ok().filter(|size| *size > 0);
    let (Some(size), Some(first)) = (size, list.value_offsets().first()) else {
        return Ok(None);
    };
    if !lengths.all(|(start, end)| end - start == size) {
        return Ok(None);
    }
    let start = usize::try_from(*first).unwrap_or(0);
    let items = list.values().slice(start, length * list.len());
    let nulls = list.nulls().cloned();
    FixedSizeListArray::try_new(item.clone(), size, items, nulls).map(Some)
}

#[cfg(test)]
mod tests {
    use arrow_array::types::{Float32Type, Int32Type};
    use arrow_array::{Int32Array, ListArray, PrimitiveArray};

    use super::*;

    fn list(rows: &[&[f32]]) -> ArrayRef {
        let rows = rows.iter().map(|row| Some(row.iter().copied().map(Some)));
        Arc::new(ListArray::from_iter_primitive::<Float32Type, _, _>(rows))
    }

    #[test]
    fn lists_of_one_length_get_a_fixed_size() {
        let all = list(&[&[1.0, 2.0], &[3.0, 4.0], &[5.0, 6.0]]);
        let fixed = fixed_list(&all.slice(1, 2), 2).unwrap().unwrap();
        let values: &PrimitiveArray<Float32Type> = fixed.values().as_primitive();
        assert_eq!((fixed.len(), fixed.value_length()), (2, 2));
        assert_eq!(values.values(), &[3.0, 4.0, 5.0, 6.0]);
    }

    #[test]
    fn other_columns_stay_as_they_are() {
        let numbers: ArrayRef = Arc::new(Int32Array::from(vec![1, 2]));
        assert!(fixed_list(&numbers, 1).unwrap().is_none());
        assert!(
            fixed_list(&list(&[&[1.0], &[2.0, 3.0]]), 1)
                .unwrap()
                .is_none()
        );
        assert!(fixed_list(&list(&[&[1.0]]), 0).unwrap().is_none());
        let rows = RecordBatch::try_from_iter([
            ("number", Arc::new(Int32Array::from(vec![7])) as ArrayRef),
            ("vector", list(&[&[1.0, 2.0, 3.0]])),
        ]);
        let rows = with_fixed_lists(&rows.unwrap(), 3).unwrap();
        assert_eq!(rows.column(0).as_primitive::<Int32Type>().values(), &[7]);
        assert_eq!(rows.column(1).as_fixed_size_list().value_length(), 3);
    }
}
