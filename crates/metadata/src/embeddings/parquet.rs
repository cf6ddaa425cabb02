//! Embeddings from Parquet: one column of lists, or one column for each number.

use arrow_array::cast::AsArray;
use arrow_array::types::{Float16Type, Float32Type, Float64Type};
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::{DataType, Schema};
use rxrx_tables::{
    Cells, Limits, TableFile, TableFileError, each_batch, excerpt, is_index, parquet_error,
};

use super::rows::{Rows, id_column};
use super::vectors::Embeddings;
use crate::problem::Problems;
use crate::table::error::MetadataError;
use crate::table::metadata_table::MetadataTable;

/// Reads the vectors of the sites of `table`.
pub(super) fn read(
    name: &str,
    file: impl TableFile,
    table: &MetadataTable,
    problems: &mut Problems,
) -> Result<Embeddings, MetadataError> {
    let mut problems = Some(problems);
    let mut rows: Option<Rows<'_>> = None;
    let mut line = 0;
    let mut is_empty = true;
    each_batch(
        name,
        file,
        Limits::EMBEDDINGS,
        |batch| -> Result<(), MetadataError> {
            let columns = Columns::of(name, &batch.schema())?;
            let vectors = Vectors::of(name, batch, &columns)?;
            let ids = batch.column(columns.id_column);
            let ids = Cells::of(ids).ok_or_else(|| column_type(name, batch, columns.id_column))?;
            for row in 0..batch.num_rows() {
                line += 1;
                is_empty = false;
                let Some(length) = vectors.length(row) else {
                    continue; // null: the site has no vector
                };
                let rows = match (&mut rows, problems.take()) {
                    (Some(rows), _) => rows,
                    (none, Some(problems)) => {
                        let new = Rows::new(name, table, problems, columns.id, length, line)?;
                        none.insert(new)
                    }
                    (None, None) => {
                        return Err(parquet_error(name, "its rows were taken before").into());
                    }
                };
                if length != rows.length() {
                    return Err(MetadataError::VectorLength {
                        name: name.into(),
                        line,
                        found: length,
                        expected: rows.length(),
                    });
                }
                vectors.read(name, row, line, rows.vector(&ids.text(row), line)?)?;
            }
            Ok(())
        },
    )?;
    match rows {
        Some(rows) => Ok(rows.finish()),
        None if is_empty => Err(TableFileError::NoRows { name: name.into() }.into()),
        None => Err(MetadataError::NoVectors { name: name.into() }),
    }
}

/// Which columns hold what.
struct Columns {
    id_column: usize,
    id: &'static str,
    /// Positions of the columns of numbers, or of the one of lists.
    vectors: Vec<usize>,
    is_list: bool,
}

impl Columns {
    fn of(name: &str, schema: &Schema) -> Result<Self, MetadataError> {
        let fields = schema.fields();
        let names: Vec<String> = fields.iter().map(|field| field.name().clone()).collect();
        let (id_column, id) = id_column(name, &names)?;
        let is_list = |position: &usize| {
            let data_type = fields.get(*position).map(|field| field.data_type());
            matches!(
                data_type,
                Some(DataType::List(_) | DataType::LargeList(_) | DataType::FixedSizeList(..))
            )
        };
        let others = (0..names.len()).filter(|position| {
            let column = names.get(*position).map_or("", String::as_str);
            *position != id_column && !is_index(*position, column)
        });
        let lists: Vec<usize> = others.clone().filter(is_list).collect();
        let vectors = match lists.as_slice() {
            [] => others.collect(),
            [_] => lists,
            _ => {
                let lists = lists.iter().filter_map(|list| names.get(*list)).cloned();
                let lists: Vec<String> = lists.collect();
                let reason = format!(
                    "it has several columns of lists ({}); keep one, the embedding",
                    lists.join(", ")
                );
                return Err(parquet_error(name, &reason).into());
            }
        };
        let is_list = vectors.first().is_some_and(is_list);
        if vectors.is_empty() {
            return Err(MetadataError::NoVectors { name: name.into() });
        }
        Ok(Self {
            id_column,
            id,
            vectors,
            is_list,
        })
    }
}

/// The vectors of the rows of a batch.
enum Vectors<'a> {
    /// One column for each number, with its name.
    Columns(Vec<(&'a ArrayRef, String)>),
    /// A list for each row, and the name of the column.
    Lists(&'a ArrayRef, String),
}

impl<'a> Vectors<'a> {
    fn of(name: &str, batch: &'a RecordBatch, columns: &Columns) -> Result<Self, MetadataError> {
        let schema = batch.schema();
        let field = |position: usize| schema.field(position).name().clone();
        let first = columns.vectors.first().copied().unwrap_or(0);
        if columns.is_list {
            let list = batch.column(first);
            let (DataType::List(element)
            | DataType::LargeList(element)
            | DataType::FixedSizeList(element, _)) = list.data_type()
            else {
                return Err(vector_type(name, batch, first));
            };
            if !is_float(element.data_type()) {
                return Err(vector_type(name, batch, first));
            }
            return Ok(Self::Lists(list, field(first)));
        }
        let numbers = columns.vectors.iter().map(|&position| {
            let array = batch.column(position);
            match is_float(array.data_type()) {
                true => Ok((array, field(position))),
                false => Err(vector_type(name, batch, position)),
            }
        });
        Ok(Self::Columns(numbers.collect::<Result<_, _>>()?))
    }

    /// Numbers in the vector of a row; `None` if it is null.
    fn length(&self, row: usize) -> Option<usize> {
        match self {
            Self::Columns(columns) => Some(columns.len()),
            Self::Lists(lists, _) => list(lists, row).map(|list| list.len()),
        }
    }

    /// Reads the vector of a row, and puts as many numbers as fit into `vector`.
    fn read(
        &self,
        name: &str,
        row: usize,
        line: u64,
        vector: &mut [f32],
    ) -> Result<(), MetadataError> {
        let wrong = |column: &str, value: Option<f32>| MetadataError::Number {
            name: name.into(),
            line,
            column: excerpt(column),
            value: value.map_or_else(|| "null".to_owned(), |value| value.to_string()),
        };
        let mut values = vector.iter_mut();
        let mut put = |column: &str, number: Option<f32>| {
            let finite = number.filter(|number| number.is_finite());
            let finite = finite.ok_or_else(|| wrong(column, number))?;
            if let Some(value) = values.next() {
                *value = finite;
            }
            Ok(())
        };
        match self {
            Self::Columns(columns) => {
                let mut columns = columns.iter();
                columns.try_for_each(|(array, column)| put(column, number(array, row)))
            }
            Self::Lists(lists, column) => {
                let Some(list) = list(lists, row) else {
                    return Ok(());
                };
                let mut items = 0..list.len();
                items.try_for_each(|item| put(column, number(&list, item)))
            }
        }
    }
}

/// The list of a row; `None` if it is null.
fn list(lists: &ArrayRef, row: usize) -> Option<ArrayRef> {
    if lists.is_null(row) {
        return None;
    }
    match lists.data_type() {
        DataType::List(_) => Some(lists.as_list::<i32>().value(row)),
        DataType::LargeList(_) => Some(lists.as_list::<i64>().value(row)),
        DataType::FixedSizeList(..) => Some(lists.as_fixed_size_list().value(row)),
        _ => None,
    }
}

fn is_float(data_type: &DataType) -> bool {
    data_type.is_floating()
}

/// A number as 32 bits; `None` if it is null.
fn number(array: &ArrayRef, row: usize) -> Option<f32> {
    if array.is_null(row) {
        return None;
    }
    match array.data_type() {
        DataType::Float16 => Some(array.as_primitive::<Float16Type>().value(row).to_f32()),
        DataType::Float32 => Some(array.as_primitive::<Float32Type>().value(row)),
        // Rounded to the nearest one, as the text of the number would be.
        #[allow(
            clippy::cast_possible_truncation,
            reason = "a float that is too large is not finite"
        )]
        DataType::Float64 => Some(array.as_primitive::<Float64Type>().value(row) as f32),
        _ => None,
    }
}

fn column_type(name: &str, batch: &RecordBatch, position: usize) -> MetadataError {
    let schema = batch.schema();
    let field = schema.field(position);
    TableFileError::ColumnType {
        name: name.into(),
        column: field.name().clone(),
        found: field.data_type().to_string(),
    }
    .into()
}

fn vector_type(name: &str, batch: &RecordBatch, position: usize) -> MetadataError {
    let schema = batch.schema();
    let field = schema.field(position);
    MetadataError::VectorType {
        name: name.into(),
        column: field.name().clone(),
        found: field.data_type().to_string(),
    }
}
