//! Sizes of the pages of a column as the headers before each page state them.
//!
//! What the footer says of a column is a claim that nobody checks. The header of a page
//! is not: the Parquet reader takes as much memory as it states, and refuses a page that
//! unpacks to another size.
//!
//! A header is a structure in the compact protocol of Thrift. See
//! <https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift>
//! and <https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md>.

/// Structures inside structures that are followed.
const DEPTH_AT_MOST: usize = 8;

/// Bytes of a header that are read at first; few have more.
const HEADER_AT_FIRST: usize = 4 << 10;
/// Most bytes of a header. The statistics in it hold at most two values of the page.
const HEADER_AT_MOST: usize = 16 << 20;

/// Sizes of the pages of a column in a row group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PageSizes {
    /// Values in all pages, nulls too.
    pub values: u64,
    /// Bytes of the largest page, unpacked.
    pub largest: u64,
}

impl PageSizes {
    /// Reads the headers of all pages of a column in a row group, which has `length`
    /// bytes. `read` returns the bytes from an offset in it, as many as are wanted or as
    /// there are. Returns `None` where a header is damaged or cannot be read.
    pub fn measure<B: AsRef<[u8]>>(
        length: u64,
        mut read: impl FnMut(u64, usize) -> Option<B>,
    ) -> Option<Self> {
        let mut sizes = Self::default();
        let mut offset = 0;
        while offset < length {
            let left = length - offset;
            let mut at = |at_most: usize| {
                let wanted = usize::try_from(left).unwrap_or(usize::MAX).min(at_most);
                let bytes = read(offset, wanted)?;
                let mut cursor = Cursor(bytes.as_ref());
                let before = cursor.0.len();
                let header = cursor.page_header()?;
                Some((header, (before - cursor.0.len()) as u64))
            };
            let (header, header_bytes) = at(HEADER_AT_FIRST).or_else(|| at(HEADER_AT_MOST))?;
            sizes.values = sizes.values.checked_add(header.values)?;
            sizes.largest = sizes.largest.max(header.unpacked);
            offset = offset
                .checked_add(header_bytes)?
                .checked_add(header.packed)?;
        }
        (offset == length).then_some(sizes)
    }

    /// Reads the headers of all pages in `chunk`, the bytes of a column in a row group;
    /// `None` where one is damaged.
    pub fn of(chunk: &[u8]) -> Option<Self> {
        Self::measure(chunk.len() as u64, |offset, length| {
            let rest = chunk.get(usize::try_from(offset).ok()?..)?;
            Some(rest.get(..length).unwrap_or(rest))
        })
    }
}

/// The fields of a page header that matter.
#[derive(Default)]
struct PageHeader {
    unpacked: u64,
    packed: u64,
    /// 0 for a dictionary.
    values: u64,
}

/// Bytes that are still to be read.
struct Cursor<'a>(&'a [u8]);

impl Cursor<'_> {
    fn page_header(&mut self) -> Option<PageHeader> {
        let mut header = PageHeader::default();
        let mut last = 0;
        while let Some((field, kind)) = self.field(&mut last)? {
            match (field, kind) {
                (2, I32) => header.unpacked = u64::try_from(self.integer()?).ok()?,
                (3, I32) => header.packed = u64::try_from(self.integer()?).ok()?,
                // The header of a data page, of version 1 or 2.
                (5 | 8, STRUCT) => header.values = self.number_of_values()?,
                _ => self.skip_value(kind, DEPTH_AT_MOST)?,
            }
        }
        Some(header)
    }

    /// Reads the header of a data page. Its first field is the number of values.
    fn number_of_values(&mut self) -> Option<u64> {
        let (mut values, mut last) = (0, 0);
        while let Some((field, kind)) = self.field(&mut last)? {
            match (field, kind) {
                (1, I32) => values = u64::try_from(self.integer()?).ok()?,
                _ => self.skip_value(kind, DEPTH_AT_MOST)?,
            }
        }
        Some(values)
    }

    /// Reads the number and the type of the next field; `Some(None)` at the end of a
    /// structure.
    fn field(&mut self, last: &mut i64) -> Option<Option<(i64, u8)>> {
        let byte = self.byte()?;
        if byte == 0 {
            return Some(None);
        }
        *last = match byte >> 4 {
            0 => self.integer()?,
            step => last.checked_add(i64::from(step))?,
        };
        Some(Some((*last, byte & 15)))
    }

    fn skip_value(&mut self, kind: u8, depth: usize) -> Option<()> {
        let depth = depth.checked_sub(1)?;
        match kind {
            TRUE | FALSE => Some(()),
            BYTE => self.skip(1),
            I16 | I32 | I64 => self.varint().map(drop),
            DOUBLE => self.skip(8),
            BINARY => {
                let length = self.varint()?;
                self.skip(length)
            }
            LIST | SET => {
                let byte = self.byte()?;
                let length = match byte >> 4 {
                    15 => self.varint()?,
                    length => u64::from(length),
                };
                (0..length).try_for_each(|_| match byte & 15 {
                    TRUE | FALSE => self.skip(1),
                    kind => self.skip_value(kind, depth),
                })
            }
            STRUCT => {
                let mut last = 0;
                while let Some((_, kind)) = self.field(&mut last)? {
                    self.skip_value(kind, depth)?;
                }
                Some(())
            }
            // A page header has no map.
            _ => None,
        }
    }

    fn integer(&mut self) -> Option<i64> {
        let number = self.varint()?;
        // Signs are in the lowest bit.
        Some((number >> 1) as i64 ^ -((number & 1) as i64))
    }

    fn varint(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 127) << shift;
            if byte < 128 {
                return Some(number);
            }
        }
        None
    }

    fn byte(&mut self) -> Option<u8> {
        let (&byte, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(byte)
    }

    fn skip(&mut self, length: u64) -> Option<()> {
        self.0 = self.0.get(usize::try_from(length).ok()?..)?;
        Some(())
    }
}

const TRUE: u8 = 1;
const FALSE: u8 = 2;
const BYTE: u8 = 3;
const I16: u8 = 4;
const I32: u8 = 5;
const I64: u8 = 6;
const DOUBLE: u8 = 7;
const BINARY: u8 = 8;
const LIST: u8 = 9;
const SET: u8 = 10;
const STRUCT: u8 = 12;

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray};
    use bytes::Bytes;
    use parquet::arrow::ArrowWriter;
    use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
    use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterVersion};

    use super::*;

    /// Sizes of the pages of a column of numbers and of a column of text.
    fn sizes(version: WriterVersion) -> [PageSizes; 2] {
        let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values(0..1000));
        let texts = (0..1000).map(|row| format!("{row:0>1000}"));
        let texts: ArrayRef = Arc::new(StringArray::from_iter_values(texts));
        let rows = RecordBatch::try_from_iter([("a", numbers), ("b", texts)]).unwrap();
        let properties = WriterProperties::builder()
            .set_writer_version(version)
            .set_statistics_enabled(EnabledStatistics::Page)
            .set_data_page_row_count_limit(100)
            .set_write_batch_size(100)
            .build();
        let mut writer = ArrowWriter::try_new(Vec::new(), rows.schema(), Some(properties)).unwrap();
        writer.write(&rows).unwrap();
        let file = Bytes::from(writer.into_inner().unwrap());
        let builder = ParquetRecordBatchReaderBuilder::try_new(file.clone()).unwrap();
        let columns = builder.metadata().row_group(0).columns();
        let sizes = columns.iter().map(|column| {
            let (start, length) = column.byte_range();
            let chunk = &file[start as usize..(start + length) as usize];
            assert_eq!(PageSizes::of(&chunk[..chunk.len() - 1]), None, "cut");
            PageSizes::of(chunk).unwrap()
        });
        sizes.collect::<Vec<_>>().try_into().unwrap()
    }

    #[test]
    fn pages_of_both_versions_are_measured() {
        for version in [WriterVersion::PARQUET_1_0, WriterVersion::PARQUET_2_0] {
            let [numbers, texts] = sizes(version);
            assert_eq!((numbers.values, texts.values), (1000, 1000));
            assert!((8000..9000).contains(&numbers.largest), "{numbers:?}");
            // The dictionary holds all texts.
            assert!(texts.largest > 1_000_000, "{texts:?}");
        }
    }

    #[test]
    fn noise_is_no_header() {
        for byte in [0x0f, 0x15, 0x19, 0x1b, 0x1c, 0x80, 0xff] {
            assert_eq!(PageSizes::of(&[byte; 1000]), None, "{byte}");
        }
        assert_eq!(PageSizes::of(&[]), Some(PageSizes::default()));
    }
}
