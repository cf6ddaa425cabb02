//! Embeddings from text: one column for each number.

use std::io::Read;

use rxrx_tables::{Limits, Record, Records, StringRecord, TableFileError, excerpt, is_index};

use super::rows::{Rows, id_column};
use super::vectors::Embeddings;
use crate::problem::Problems;
use crate::table::error::MetadataError;
use crate::table::metadata_table::MetadataTable;

/// Reads the vectors of the sites of `table`.
pub(super) fn read(
    name: &str,
    text: &mut dyn Read,
    table: &MetadataTable,
    problems: &mut Problems,
) -> Result<Embeddings, MetadataError> {
    let mut records = Records::new(name, text, Limits::EMBEDDINGS)?;
    let Some(header) = records.read()? else {
        return Err(TableFileError::Empty { name: name.into() }.into());
    };
    let header = Header::read(name, &header)?;
    let length = header.numbers.len();
    let mut rows = Rows::new(name, table, problems, header.id, length, header.line)?;
    let mut is_empty = true;
    while let Some(Record { line, fields }) = records.read()? {
        is_empty = false;
        header.check_length(name, line, fields)?;
        let id = fields.get(header.id_column).unwrap_or("");
        header.read_vector(name, line, fields, rows.vector(id, line)?)?;
    }
    if is_empty {
        return Err(TableFileError::NoRows { name: name.into() }.into());
    }
    Ok(rows.finish())
}

/// The columns of a table of embeddings.
struct Header {
    /// Line of the header, from 1.
    line: u64,
    columns: Vec<String>,
    /// Position and name of the column of ids.
    id_column: usize,
    id: &'static str,
    /// Positions of the numbers.
    numbers: Vec<usize>,
}

impl Header {
    fn read(name: &str, header: &Record<'_>) -> Result<Self, MetadataError> {
        let columns: Vec<String> = header.fields.iter().map(str::to_owned).collect();
        let (id_column, id) = id_column(name, &columns)?;
        // An index that a program added is no number of the vector, nor is what follows a
        // separator at the end of each line.
        let last = columns.len().saturating_sub(1);
        let is_number = |(position, column): &(usize, &String)| {
            let is_nothing = column.trim().is_empty() && *position == last;
            *position != id_column && !is_nothing && !is_index(*position, column)
        };
        let numbers = columns.iter().enumerate().filter(is_number);
        let numbers: Vec<usize> = numbers.map(|(position, _)| position).collect();
        if numbers.is_empty() {
            return Err(MetadataError::NoVectors { name: name.into() });
        }
        Ok(Self {
            line: header.line,
            columns,
            id_column,
            id,
            numbers,
        })
    }

    /// Refuses a row that is longer or shorter than the header.
    fn check_length(
        &self,
        name: &str,
        line: u64,
        fields: &StringRecord,
    ) -> Result<(), MetadataError> {
        if fields.len() == self.columns.len() {
            return Ok(());
        }
        Err(TableFileError::Ragged {
            name: name.into(),
            line,
            found: fields.len(),
            expected: self.columns.len(),
        }
        .into())
    }

    /// Reads the numbers of a row, and puts as many as fit into `vector`.
    fn read_vector(
        &self,
        name: &str,
        line: u64,
        fields: &StringRecord,
        vector: &mut [f32],
    ) -> Result<(), MetadataError> {
        let mut values = vector.iter_mut();
        for &position in &self.numbers {
            let cell = fields.get(position).unwrap_or("");
            let number = cell.trim().parse::<f32>().ok();
            let number = number.filter(|number| number.is_finite());
            let number = number.ok_or_else(|| MetadataError::Number {
                name: name.into(),
                line,
                column: self
                    .columns
                    .get(position)
                    .map_or_else(String::new, |c| excerpt(c)),
                value: excerpt(cell),
            })?;
            if let Some(value) = values.next() {
                *value = number;
            }
        }
        Ok(())
    }
}
