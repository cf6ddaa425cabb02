#![doc = include_str!("../README.md")]
// Everything that this crate reads was written by others: it must not panic.
#![cfg_attr(
    not(test),
    warn(clippy::cast_possible_truncation, clippy::string_slice)
)]

mod encoding;
mod error;
mod excerpt;
mod file;
mod integers;
mod limits;
mod lines;
mod parquet;
mod raw;
mod records;
mod spreadsheet;
mod texts;

pub use self::error::{TableFileError, listed};
pub use self::excerpt::{excerpt, first_of};
pub use self::file::{Content, open_packed, packed};
pub use self::integers::Integers;
pub use self::limits::Limits;
pub use self::parquet::cells::Cells;
pub use self::parquet::{
    PageSizes, TableFile, each_batch, parquet_error, read_table as read_parquet,
};
pub use self::raw::{RawColumn, RawTable, is_blank, is_index};
pub use self::records::{Record, Records};
pub use self::spreadsheet::read_table as read_spreadsheet;
pub use self::texts::Texts;
pub use csv::StringRecord;
