//! Some rows of a table, with access to columns by name and type.

use std::ops::Range;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int32Type, Int64Type};
use arrow_array::{Array, ArrayRef, BooleanArray, PrimitiveArray, RecordBatch, StringArray};
use arrow_schema::DataType;

use super::error::{ReadTableError, cell};

/// Rows of a table from `first_row` on.
pub(super) struct Batch {
    pub(super) table: &'static str,
    pub(super) first_row: usize,
    pub(super) rows: RecordBatch,
}

impl Batch {
    /// Bytes of all text in these rows.
    pub(super) fn text_bytes(&self) -> usize {
        let texts = self.rows.columns().iter();
        texts
            .filter_map(|column| column.as_string_opt::<i32>())
            .map(|texts| texts.value_data().len())
            .fold(0, usize::saturating_add)
    }

    pub(super) fn len(&self) -> usize {
        self.rows.num_rows()
    }

    pub(super) fn texts(&self, column: &str) -> Result<&StringArray, ReadTableError> {
        self.typed(column, DataType::Utf8, |values| {
            values.as_string_opt::<i32>()
        })
    }

    /// Returns a column of whole numbers of 64 or of 32 bits.
    pub(super) fn integers(
        &self,
        column: &str,
    ) -> Result<PrimitiveArray<Int64Type>, ReadTableError> {
        match self.short_integers(column) {
            Ok(values) => Ok(values.unary(i64::from)),
            Err(_) => {
                let long = |values| ArrayRef::as_primitive_opt(values);
                self.typed(column, DataType::Int64, long).cloned()
            }
        }
    }

    pub(super) fn short_integers(
        &self,
        column: &str,
    ) -> Result<&PrimitiveArray<Int32Type>, ReadTableError> {
        self.typed(column, DataType::Int32, |values| values.as_primitive_opt())
    }

    pub(super) fn floats(
        &self,
        column: &str,
    ) -> Result<&PrimitiveArray<Float64Type>, ReadTableError> {
        self.typed(column, DataType::Float64, |values| {
            values.as_primitive_opt()
        })
    }

    pub(super) fn flags(&self, column: &str) -> Result<&BooleanArray, ReadTableError> {
        self.typed(column, DataType::Boolean, |values| values.as_boolean_opt())
    }

    pub(super) fn has_column(&self, column: &str) -> bool {
        self.rows.column_by_name(column).is_some()
    }

    /// Makes an error of the cell in that row of the batch.
    pub(super) fn cell(
        &self,
        row: usize,
        column: &str,
        reason: impl Into<String>,
    ) -> ReadTableError {
        cell(self.table, self.first_row + row, column, reason)
    }

    /// Demands that `values`, the column of that name, has no nulls.
    pub(super) fn required<'b, T: Array>(
        &self,
        column: &str,
        values: &'b T,
    ) -> Result<&'b T, ReadTableError> {
        match (0..values.len()).find(|&row| values.is_null(row)) {
            Some(row) => Err(self.cell(row, column, "is null")),
            None => Ok(values),
        }
    }

    /// The ranges of bytes that begin at `offset` and have `length` bytes, by the names of
    /// the two columns.
    pub(super) fn byte_ranges(
        &self,
        offset: &str,
        length: &str,
    ) -> Result<Vec<Range<u64>>, ReadTableError> {
        let (offsets, lengths) = (self.integers(offset)?, self.integers(length)?);
        let offsets = self.required(offset, &offsets)?.values();
        let lengths = self.required(length, &lengths)?.values();
        let ranges = offsets.iter().zip(lengths).enumerate();
        let ranges = ranges.map(|(row, (&start, &bytes))| {
            let unsigned = u64::try_from(start).ok().zip(u64::try_from(bytes).ok());
            let range = unsigned.and_then(|(start, bytes)| {
                let end = start.checked_add(bytes)?;
                i64::try_from(end).ok().map(|_| start..end)
            });
            range.ok_or_else(|| {
                let text = format!("{start}, and length {bytes}, is no range of bytes");
                self.cell(row, offset, text)
            })
        });
        ranges.collect()
    }

    pub(super) fn typed<'b, T>(
        &'b self,
        column: &str,
        expected: DataType,
        cast: impl FnOnce(&'b ArrayRef) -> Option<&'b T>,
    ) -> Result<&'b T, ReadTableError> {
        let values = self.rows.column_by_name(column);
        values.and_then(cast).ok_or_else(|| ReadTableError::Column {
            table: self.table,
            column: column.to_owned(),
            found: values.map_or("absent".to_owned(), |values| values.data_type().to_string()),
            expected: expected.to_string(),
        })
    }
}
