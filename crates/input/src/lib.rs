#![doc = include_str!("../README.md")]

mod bucket;
mod error;
mod faults;
mod folder;
mod headers;
mod open;
mod options;
mod planned;
mod read_error;
mod source;
mod tables;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
mod zip;

pub use self::error::PlanInputError;
pub use self::folder::FolderSource;
pub use self::open::input_of_tables;
pub use self::options::PlanOptions;
pub use self::planned::PlannedInput;
pub use self::read_error::{Cause, ReadError};
pub use self::source::{ReadHints, Source, SourceStamp, largest_file};
pub use self::tables::{TableLocation, Tables};
pub use self::zip::archive::Archive;
pub use self::zip::error::ArchiveError;
