//! A table as texts, before its rows are checked, typed and ordered.

use std::io::Read;

use crate::error::TableFileError;
use crate::limits::Limits;
use crate::records::{Record, Records};
use crate::texts::Texts;

/// The rows of one or more files, in their order, as texts.
#[derive(Clone, Debug, Default)]
pub struct RawTable {
    /// Name of the first file, for errors.
    pub name: String,
    /// First row and name of each further file.
    pub more: Vec<(usize, String)>,
    /// The columns in the order of the header.
    pub columns: Vec<RawColumn>,
    /// Line of the header.
    pub header_line: u64,
    /// Line on which each row begins. The limit on bytes keeps the number of lines below
    /// 2^32. In a Parquet table and in a sheet it is the number of the row.
    pub lines: Vec<u32>,
    /// Columns that were left out, for a notice.
    pub left_out: Vec<String>,
}

/// A column of a [`RawTable`].
#[derive(Clone, Debug, Default)]
pub struct RawColumn {
    /// The name in the header.
    pub name: String,
    /// The cells; a blank one has only white space.
    pub cells: Texts,
}

impl RawTable {
    /// Begins a table without rows.
    ///
    /// # Errors
    /// There are more columns than `limits` allow.
    pub fn with_header<'a>(
        name: &str,
        line: u64,
        header: impl Iterator<Item = &'a str>,
        limits: Limits,
    ) -> Result<Self, TableFileError> {
        let columns = header.map(|name| RawColumn {
            name: name.to_owned(),
            cells: Texts::default(),
        });
        let columns: Vec<RawColumn> = columns.collect();
        limits.check_columns(name, line, columns.len())?;
        Ok(Self {
            name: name.to_owned(),
            columns,
            header_line: line,
            ..Self::default()
        })
    }

    /// Reads the rows of a text: records of fields between commas, tabs or semicolons.
    ///
    /// # Errors
    /// [`TableFileError`]: the text is not UTF-8 or UTF-16, is ragged, or is beyond `limits`.
    pub fn from_text(name: &str, text: impl Read, limits: Limits) -> Result<Self, TableFileError> {
        let mut records = Records::new(name, text, limits)?;
        let Some(Record { line, fields }) = records.read()? else {
            return Err(TableFileError::Empty { name: name.into() });
        };
        let mut table = Self::with_header(name, line, fields.iter(), limits)?;
        while let Some(Record { line, fields }) = records.read()? {
            table.push(line, fields.iter(), limits)?;
        }
        Ok(table)
    }

    /// Adds a row. A separator behind the last field of the row or of the header makes a
    /// field without a name or without text, which may be absent in the other.
    ///
    /// # Errors
    /// The row has other fields than the header, or there are more cells than `limits` allow.
    pub fn push<'a>(
        &mut self,
        line: u64,
        cells: impl Iterator<Item = &'a str> + Clone,
        limits: Limits,
    ) -> Result<(), TableFileError> {
        let (found, expected) = (cells.clone().count(), self.columns.len());
        let is_surplus_blank = found == expected + 1 && cells.clone().last().is_none_or(is_blank);
        let last = self.columns.last();
        let is_nameless_absent =
            found + 1 == expected && last.is_some_and(|column| is_blank(&column.name));
        if found != expected && !is_surplus_blank && !is_nameless_absent {
            return Err(TableFileError::Ragged {
                name: self.name.clone(),
                line,
                found,
                expected,
            });
        }
        if self.lines.len().saturating_mul(expected) >= limits.cells {
            return Err(TableFileError::TooManyCells {
                name: self.name.clone(),
                line,
                limit: limits.cells,
            });
        }
        self.lines.push(u32::try_from(line).unwrap_or(u32::MAX));
        let cells = cells.chain(std::iter::repeat(""));
        for (column, cell) in self.columns.iter_mut().zip(cells) {
            column.cells.push(cell);
        }
        Ok(())
    }

    /// Leaves out columns that programs add when they save a table: the index of pandas
    /// and of R, as [`is_index`] knows it, and columns without a name that hold nothing, which
    /// separators at line ends make.
    pub fn tidied(mut self) -> Self {
        let mut position = 0;
        let left_out = &mut self.left_out;
        self.columns.retain(|column| {
            let is_index = is_index(position, &column.name);
            let is_nameless = is_blank(&column.name) || column.name.starts_with("Unnamed: ");
            position += 1;
            if is_index {
                left_out.push(format!("column {position}, an index that a program added"));
                return false;
            }
            !(is_nameless && column.cells.cells().all(is_blank))
        });
        self
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// The cells of a column.
    pub fn column(&self, name: &str) -> Option<&Texts> {
        let column = self.columns.iter().find(|column| column.name == name);
        column.map(|column| &column.cells)
    }

    /// Name of the file that a row is from.
    pub fn name_of(&self, row: usize) -> &str {
        let file = self.more.iter().rev().find(|(first, _)| *first <= row);
        file.map_or(&self.name, |(_, name)| name)
    }

    /// The position of a column.
    pub fn position(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.name == name)
    }

    /// Adds a column of one text at the end, unless there is one of that name.
    pub fn add_constant(&mut self, name: &str, text: &str) {
        if self.position(name).is_some() {
            return;
        }
        let mut cells = Texts::default();
        (0..self.len()).for_each(|_| cells.push(text));
        let name = name.to_owned();
        self.columns.push(RawColumn { name, cells });
    }

    /// Adds a column with a cell for each row at `position`, or at the end. `source` is the
    /// file that it comes from. Cells that repeat are stored once.
    ///
    /// # Errors
    /// There are more columns, cells or bytes of text than `limits` allow.
    pub fn insert_column<'a>(
        &mut self,
        position: usize,
        name: &str,
        cells: impl Iterator<Item = &'a str> + Clone,
        source: &str,
        limits: Limits,
    ) -> Result<(), TableFileError> {
        let columns = self.columns.len().saturating_add(1);
        limits.check_columns(source, 0, columns)?;
        limits.check_cells(source, 0, self.len() as u64, columns)?;
        let bytes: u64 = cells.clone().map(|cell| cell.len() as u64).sum();
        limits.check_bytes(source, self.text_bytes().saturating_add(bytes))?;
        let column = RawColumn {
            name: name.to_owned(),
            cells: cells.map(Some).collect(),
        };
        let position = position.min(self.columns.len());
        self.columns.insert(position, column);
        Ok(())
    }

    /// Bytes of all cells as they are stored.
    fn text_bytes(&self) -> u64 {
        let columns = self.columns.iter();
        columns.map(|column| column.cells.text_bytes()).sum()
    }

    /// Adds the rows of another table. A column that one of them lacks is blank there.
    ///
    /// # Errors
    /// There are more columns, cells or bytes of text than `limits` allow.
    pub fn append(&mut self, other: Self, limits: Limits) -> Result<(), TableFileError> {
        let rows = self.len().saturating_add(other.len());
        for column in &other.columns {
            self.add_constant(&column.name, "");
        }
        limits.check_columns(&other.name, other.header_line, self.columns.len())?;
        limits.check_cells(&other.name, 0, rows as u64, self.columns.len())?;
        let all = |table: &Self| -> u64 {
            let columns = table.columns.iter();
            columns.map(|column| column.cells.cell_bytes()).sum()
        };
        limits.check_bytes(&other.name, all(self).saturating_add(all(&other)))?;
        for column in &mut self.columns {
            match other.column(&column.name) {
                Some(cells) => cells.cells().for_each(|cell| column.cells.push(cell)),
                None => (0..other.len()).for_each(|_| column.cells.push("")),
            }
        }
        self.more.push((self.len(), other.name));
        let offset = self.len();
        let more = other.more.into_iter();
        self.more
            .extend(more.map(|(first, name)| (first.saturating_add(offset), name)));
        self.lines.extend(other.lines);
        self.left_out.extend(other.left_out);
        Ok(())
    }

    /// Line on which a row begins; 0 if there is no such row.
    pub fn line(&self, row: usize) -> u64 {
        self.lines.get(row).copied().map_or(0, u64::from)
    }
}

/// Whether a cell is empty or has only white space.
pub fn is_blank(cell: &str) -> bool {
    cell.chars().all(char::is_whitespace)
}

/// Whether a column is an index that a program saves with a table: that of R and of pandas in
/// text, and that of pandas in Parquet.
pub fn is_index(position: usize, name: &str) -> bool {
    is_blank(name) && position == 0
        || name == "Unnamed: 0"
        || name.starts_with("Unnamed: 0.")
        || name.starts_with("__index_level_")
}
