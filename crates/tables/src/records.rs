//! Cuts a text into records, each with the line on which it begins.

use std::io::Read;

use csv::{Reader, ReaderBuilder, StringRecord};

use crate::encoding::{Utf8Text, recognise};
use crate::error::TableFileError;
use crate::limits::Limits;
use crate::lines::{END_ROW, Exceeded, Lines};

/// One row of the file, or its header.
pub struct Record<'record> {
    /// Line on which the record begins, from 1.
    pub line: u64,
    /// One field a column.
    pub fields: &'record StringRecord,
}

/// The records of a text, one at a time; the header is the first.
pub struct Records<'name, R> {
    name: &'name str,
    limits: Limits,
    reader: Reader<Lines<Utf8Text<R>>>,
    record: StringRecord,
}

impl<'name, R: Read> Records<'name, R> {
    /// Begins to read `text`, whose encoding and separator are recognised. `name` stands
    /// for the file in errors.
    ///
    /// # Errors
    /// The text cannot be read.
    pub fn new(name: &'name str, text: R, limits: Limits) -> Result<Self, TableFileError> {
        let (text, separator) = recognise(text).map_err(|source| TableFileError::Read {
            name: name.into(),
            source,
        })?;
        let reader = ReaderBuilder::new()
            .has_headers(false)
            .delimiter(separator)
            .flexible(true)
            .from_reader(Lines::new(text, limits));
        Ok(Self {
            name,
            limits,
            reader,
            record: StringRecord::new(),
        })
    }

    /// Reads the next record; `None` at the end of the text.
    ///
    /// # Errors
    /// The text cannot be read, is in another encoding, ends inside a quote, or is beyond the limits.
    pub fn read(&mut self) -> Result<Option<Record<'_>>, TableFileError> {
        let start = self.reader.position().byte();
        self.reader.get_mut().begin_row(start);
        if let Err(error) = self.reader.read_record(&mut self.record) {
            return Err(self.explain(error));
        }
        let line = self.reader.get_ref().row_line();
        let end = self.reader.position().byte();
        if self.reader.get_ref().is_beyond_end(end) {
            return if self.record.iter().eq([END_ROW]) {
                Ok(None)
            } else {
                let name = self.name.into();
                Err(TableFileError::UnclosedQuote { name, line })
            };
        }
        let fields = &self.record;
        Ok(Some(Record { line, fields }))
    }

    /// Returns the error of the table that caused the error of the CSV reader.
    fn explain(&self, error: csv::Error) -> TableFileError {
        let name = self.name.into();
        let lines = self.reader.get_ref();
        match (lines.exceeded(), error.kind()) {
            (Some(Exceeded::Bytes), _) => TableFileError::TooLarge {
                name,
                line: lines.line(),
                limit: self.limits.bytes,
            },
            (Some(Exceeded::RowBytes), _) => TableFileError::RowTooLong {
                name,
                line: lines.row_line(),
                limit: self.limits.row_bytes,
            },
            (None, csv::ErrorKind::Utf8 { .. }) => TableFileError::NotUtf8 {
                name,
                line: lines.row_line(),
            },
            (None, _) => match error.into_kind() {
                csv::ErrorKind::Io(source) => TableFileError::Read { name, source },
                kind => TableFileError::Csv {
                    name,
                    reason: format!("{kind:?}"),
                },
            },
        }
    }
}
