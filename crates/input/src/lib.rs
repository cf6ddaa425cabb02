#![doc = include_str!("../README.md")]

mod assembled;
mod bucket;
mod container;
mod description;
mod error;
mod faults;
mod folder;
mod headers;
mod joined;
mod kept;
mod member_name;
mod names;
mod open;
mod options;
mod planned;
mod probe;
mod read_error;
mod shards;
mod source;
mod stored;
mod tables;
mod tar;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
mod zip;

pub use self::description::DescriptionError;
pub use self::error::PlanInputError;
pub use self::folder::FolderSource;
pub use self::names::input_names;
pub use self::open::input_of_tables;
pub use self::options::PlanOptions;
pub use self::planned::PlannedInput;
pub use self::read_error::{Cause, ReadError};
pub use self::shards::error::ShardError;
pub use self::shards::source::ShardSource;
pub use self::source::{KEPT_CALLS, ReadHints, Source, SourceStamp, TarPlace};
pub use self::stored::{StoredImages, StoredInput};
pub use self::tables::{TableLocation, Tables};
pub use self::tar::error::TarError;
pub use self::tar::source::TarSource;
pub use self::zip::archive::Archive;
pub use self::zip::error::ArchiveError;
