//! Reads one column of one row group.

use std::io::{self, Cursor, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use bytes::Bytes;
use parquet::column::page::{Page, PageMetadata, PageReader};
use parquet::column::reader::ColumnReaderImpl;
use parquet::data_type::{ByteArray, ByteArrayType};
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData, ParquetMetaDataReader};
use parquet::file::reader::{ChunkReader, Length};
use parquet::file::serialized_reader::SerializedPageReader;

use crate::container::Opened;

/// Bytes at the end of a file that are read at once: most footers.
const FOOTER: u64 = 256 << 10;
/// Rows that are decoded by one call.
const ROWS: usize = 1024;

/// Bytes of a file from `start` on, which stand for the whole file.
struct Part {
    start: u64,
    bytes: Bytes,
}

impl Part {
    fn from(&self, start: u64) -> Result<Bytes> {
        let at = start
            .checked_sub(self.start)
            .and_then(|at| usize::try_from(at).ok());
        match at.filter(|at| *at <= self.bytes.len()) {
            Some(at) => Ok(self.bytes.slice(at..)),
            None => Err(ParquetError::EOF(format!(
                "byte {start} is outside the column"
            ))),
        }
    }
}

impl Length for Part {
    fn len(&self) -> u64 {
        self.start.saturating_add(self.bytes.len() as u64)
    }
}

impl ChunkReader for Part {
    type T = Cursor<Bytes>;

    fn get_read(&self, start: u64) -> Result<Self::T> {
        Ok(Cursor::new(self.from(start)?))
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        let bytes = self.from(start)?;
        if length > bytes.len() {
            return Err(ParquetError::EOF(format!(
                "{length} bytes from {start} on are not there"
            )));
        }
        Ok(bytes.slice(..length))
    }
}

/// A whole file of which the parser reads the footer.
struct Whole<'a> {
    opened: &'a Opened<'a>,
    length: u64,
    /// The end of the file, which is read first.
    tail: Part,
}

impl Length for Whole<'_> {
    fn len(&self) -> u64 {
        self.length
    }
}

impl ChunkReader for Whole<'_> {
    type T = Box<dyn Read>;

    fn get_read(&self, start: u64) -> Result<Self::T> {
        let length = usize::try_from(self.length.saturating_sub(start)).unwrap_or(usize::MAX);
        Ok(Box::new(Cursor::new(self.get_bytes(start, length)?)))
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        if let Ok(bytes) = self.tail.get_bytes(start, length) {
            return Ok(bytes);
        }
        let end = start.saturating_add(length as u64);
        if end > self.length {
            return Err(ParquetError::EOF(format!(
                "the file ends before byte {end}"
            )));
        }
        let parts = self.opened.parts(std::slice::from_ref(&(start..end)))?;
        Ok(parts.into_iter().next().unwrap_or_default())
    }
}

/// Reads the footer of a file.
pub(super) fn read_footer(opened: &Opened<'_>, length: u64) -> Result<ParquetMetaData> {
    let start = length.saturating_sub(FOOTER);
    let parts = opened.parts(std::slice::from_ref(&(start..length)))?;
    let bytes = parts.into_iter().next().unwrap_or_default();
    let whole = Whole {
        opened,
        length,
        tail: Part { start, bytes },
    };
    guarded(|| ParquetMetaDataReader::new().parse_and_finish(&whole))
}

/// Tells an error of reading from an error in the file: returns the former, or else the error
/// of the parser.
pub(super) fn io_error(error: ParquetError) -> std::result::Result<io::Error, ParquetError> {
    match error {
        ParquetError::External(error) => match error.downcast::<io::Error>() {
            Ok(error) => Ok(*error),
            Err(error) => Err(ParquetError::External(error)),
        },
        other => Err(other),
    }
}

/// Where the bytes of a column of a row group are; `None` where they cannot be.
pub(super) fn range_of(column: &ColumnChunkMetaData, length: u64) -> Option<std::ops::Range<u64>> {
    let start = column
        .dictionary_page_offset()
        .unwrap_or_else(|| column.data_page_offset());
    let start = u64::try_from(start).ok()?;
    let end = start.checked_add(u64::try_from(column.compressed_size()).ok()?)?;
    (end <= length && start < end).then_some(start..end)
}

/// Decodes a column of a row group of `rows` rows from its bytes, which begin at `start` in
/// the file. A row without a value has `None`.
pub(super) fn decode(
    column: &ColumnChunkMetaData,
    rows: usize,
    start: u64,
    bytes: Bytes,
) -> Result<Vec<Option<ByteArray>>> {
    guarded(|| {
        let part = Arc::new(Part { start, bytes });
        let pages = CheckedPages(SerializedPageReader::new(part, column, rows, None)?);
        let descriptor = column.column_descr_ptr();
        let present = descriptor.max_def_level();
        let mut reader = ColumnReaderImpl::<ByteArrayType>::new(descriptor, Box::new(pages));
        let mut all = Vec::new();
        while all.len() < rows {
            let (mut values, mut levels) = (Vec::new(), Vec::new());
            let wanted = (rows - all.len()).min(ROWS);
            let (read, ..) = reader.read_records(wanted, Some(&mut levels), None, &mut values)?;
            if read == 0 {
                return Err(ParquetError::EOF(format!(
                    "it has {} of {rows} rows",
                    all.len()
                )));
            }
            let mut values = values.into_iter();
            if present == 0 {
                all.extend(values.map(Some));
            } else {
                all.extend(
                    levels
                        .iter()
                        .map(|level| (*level == present).then(|| values.next())?),
                );
            }
        }
        Ok(all)
    })
}

/// Bytes that each text of a dictionary has at least: its length.
const LENGTH: usize = 4;

/// Pages of a column. The parser makes room for as many texts as a dictionary says to have,
/// whatever its bytes.
struct CheckedPages(SerializedPageReader<Part>);

impl Iterator for CheckedPages {
    type Item = Result<Page>;

    fn next(&mut self) -> Option<Self::Item> {
        self.get_next_page().transpose()
    }
}

impl PageReader for CheckedPages {
    fn get_next_page(&mut self) -> Result<Option<Page>> {
        let page = self.0.get_next_page()?;
        if let Some(Page::DictionaryPage {
            buf, num_values, ..
        }) = &page
        {
            let values = usize::try_from(*num_values).unwrap_or(usize::MAX);
            if values > buf.len() / LENGTH {
                return Err(ParquetError::EOF(format!(
                    "a dictionary of {} bytes says that it has {values} texts",
                    buf.len()
                )));
            }
        }
        Ok(page)
    }

    fn peek_next_page(&mut self) -> Result<Option<PageMetadata>> {
        self.0.peek_next_page()
    }

    fn skip_next_page(&mut self) -> Result<()> {
        self.0.skip_next_page()
    }
}

/// Calls the parser, which is to return an error of a damaged file. Where it panics, that
/// is an error, too.
fn guarded<T>(parse: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(parse)).unwrap_or_else(|_| {
        Err(ParquetError::General(
            "the file breaks the rules of the format".to_owned(),
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_read_is_told_from_a_damaged_file() {
        let failed = ParquetError::from(io::Error::other("the connection is gone"));
        let error = io_error(failed).unwrap();
        assert_eq!(error.to_string(), "the connection is gone");
        let damaged = io_error(ParquetError::EOF("cut".to_owned())).unwrap_err();
        assert!(matches!(damaged, ParquetError::EOF(_)), "{damaged}");
        let other = ParquetError::External("another library".into());
        assert!(matches!(io_error(other), Err(ParquetError::External(_))));
    }
}
