//! A table as texts, before its rows are checked, typed and ordered.

use std::io::Read;

use super::aliases::{ColumnAliases, Header};
use super::error::MetadataError;
use super::limits::Limits;
use super::records::{Record, Records};
use crate::column::is_blank;
use crate::column::texts::Texts;
use crate::problem::{ProblemKind, Problems};

/// The rows of one or more files, in their order, as texts.
#[derive(Clone, Debug, Default)]
pub(crate) struct RawTable {
    /// Name of the first file, for errors.
    pub(crate) name: String,
    /// First row and name of each further file.
    pub(crate) more: Vec<(usize, String)>,
    /// The columns in the order of the header.
    pub(crate) columns: Vec<RawColumn>,
    /// Line of the header.
    pub(crate) header_line: u64,
    /// Line on which each row begins. The limit on bytes keeps the number of lines below
    /// 2^32. In a Parquet table and in a sheet it is the number of the row.
    pub(crate) lines: Vec<u32>,
    /// What was left out, for a notice.
    pub(crate) notices: Problems,
}

/// A column of a [`RawTable`].
#[derive(Clone, Debug, Default)]
pub(crate) struct RawColumn {
    /// The name in the header.
    pub(crate) name: String,
    /// The cells; a blank one has only white space.
    pub(crate) cells: Texts,
}

impl RawTable {
    /// Begins a table without rows.
    ///
    /// # Errors
    /// There are more columns than `limits` allow.
    pub(crate) fn with_header<'a>(
        name: &str,
        line: u64,
        header: impl Iterator<Item = &'a str>,
        limits: Limits,
    ) -> Result<Self, MetadataError> {
        let columns = header.map(|name| RawColumn {
            name: name.to_owned(),
            cells: Texts::default(),
        });
        let columns: Vec<RawColumn> = columns.collect();
        if columns.len() > limits.columns {
            return Err(MetadataError::TooManyColumns {
                name: name.into(),
                line,
                found: columns.len(),
                limit: limits.columns,
            });
        }
        Ok(Self {
            name: name.to_owned(),
            columns,
            header_line: line,
            ..Self::default()
        })
    }

    /// Reads the rows of a text: see [`TableOptions::read`](super::options::TableOptions).
    pub(crate) fn from_text(
        name: &str,
        text: impl Read,
        limits: Limits,
    ) -> Result<Self, MetadataError> {
        let mut records = Records::new(name, text, limits)?;
        let Some(Record { line, fields }) = records.next()? else {
            return Err(MetadataError::Empty { name: name.into() });
        };
        let mut table = Self::with_header(name, line, fields.iter(), limits)?;
        while let Some(Record { line, fields }) = records.next()? {
            table.push(line, fields.iter(), limits)?;
        }
        Ok(table)
    }

    /// Adds a row. A separator behind the last field of the row or of the header makes a
    /// field without a name or without text, which may be absent in the other.
    pub(crate) fn push<'a>(
        &mut self,
        line: u64,
        cells: impl Iterator<Item = &'a str> + Clone,
        limits: Limits,
    ) -> Result<(), MetadataError> {
        let (found, expected) = (cells.clone().count(), self.columns.len());
        let is_surplus_blank = found == expected + 1 && cells.clone().last().is_none_or(is_blank);
        let last = self.columns.last();
        let is_nameless_absent =
            found + 1 == expected && last.is_some_and(|column| is_blank(&column.name));
        if found != expected && !is_surplus_blank && !is_nameless_absent {
            return Err(MetadataError::Ragged {
                name: self.name.clone(),
                line,
                found,
                expected,
            });
        }
        if self.lines.len().saturating_mul(expected) >= limits.cells {
            return Err(MetadataError::TooManyCells {
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
    /// and of R, which is first and has no name or is called `Unnamed: 0`, and columns
    /// without a name that hold nothing, which separators at line ends make.
    pub(crate) fn tidied(mut self) -> Self {
        let mut position = 0;
        let notices = &mut self.notices;
        self.columns.retain(|column| {
            let is_index = is_blank(&column.name) && position == 0
                || column.name == "Unnamed: 0"
                || column.name.starts_with("Unnamed: 0.");
            let is_nameless = is_blank(&column.name) || column.name.starts_with("Unnamed: ");
            position += 1;
            if is_index {
                notices.add(ProblemKind::UnnamedColumns, 0, || {
                    format!("column {position}, an index that a program added")
                });
                return false;
            }
            !(is_nameless && column.cells.cells().all(is_blank))
        });
        self
    }

    /// Gives the columns the names that `aliases` say, and adds the column `site` where they
    /// state it for all rows.
    pub(crate) fn renamed(mut self, aliases: &[ColumnAliases]) -> Self {
        let header: Vec<&str> = self
            .columns
            .iter()
            .map(|column| column.name.as_str())
            .collect();
        let Header { names, site } = Header::new(&header, aliases);
        for (column, name) in self.columns.iter_mut().zip(names) {
            column.name = name;
        }
        self.columns.extend(site.map(|site| {
            RawColumn {
                name: "site".to_owned(),
                cells: (0..self.lines.len())
                    .map(|_| Some(site.to_string()))
                    .collect(),
            }
        }));
        self
    }

    /// Number of rows.
    pub(crate) fn len(&self) -> usize {
        self.lines.len()
    }

    /// The cells of a column.
    pub(crate) fn column(&self, name: &str) -> Option<&Texts> {
        let column = self.columns.iter().find(|column| column.name == name);
        column.map(|column| &column.cells)
    }

    /// Name of the file that a row is from.
    pub(crate) fn name_of(&self, row: usize) -> &str {
        let file = self.more.iter().rev().find(|(first, _)| *first <= row);
        file.map_or(&self.name, |(_, name)| name)
    }

    /// The position of a column.
    pub(crate) fn position(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.name == name)
    }

    /// Adds a column of one text at the end, unless there is one of that name.
    pub(crate) fn add_constant(&mut self, name: &str, text: &str) {
        if self.position(name).is_some() {
            return;
        }
        let mut cells = Texts::default();
        (0..self.len()).for_each(|_| cells.push(text));
        let name = name.to_owned();
        self.columns.push(RawColumn { name, cells });
    }

    /// Adds the rows of another table. A column that one of them lacks is blank there.
    ///
    /// # Errors
    /// There are more columns or cells than `limits` allow.
    pub(crate) fn append(&mut self, other: Self, limits: Limits) -> Result<(), MetadataError> {
        let rows = self.len().saturating_add(other.len());
        for column in &other.columns {
            self.add_constant(&column.name, "");
        }
        if self.columns.len() > limits.columns {
            return Err(MetadataError::TooManyColumns {
                name: other.name,
                line: other.header_line,
                found: self.columns.len(),
                limit: limits.columns,
            });
        }
        if rows.saturating_mul(self.columns.len()) > limits.cells {
            return Err(MetadataError::TooManyCells {
                name: other.name,
                line: 0,
                limit: limits.cells,
            });
        }
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
        self.notices.extend(other.notices);
        Ok(())
    }

    /// Line on which a row begins; 0 if there is no such row.
    pub(crate) fn line(&self, row: usize) -> u64 {
        self.lines.get(row).copied().map_or(0, u64::from)
    }
}
