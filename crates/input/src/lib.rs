//! What can be read as INPUT, and its plan.
//!
//! ```text
//! Location ──> Input ──┬─> FolderSource    files of a disk
//!                      ├─> Archive         entries of a zip
//!                      └─> BucketSource    objects of a store
//!
//! Input, table ──> Join ──> Headers ──> PlannedInput { plan, source }
//! ```
//!
//! A [`Source`] gives whole image files by their path inside INPUT; sizes are in
//! bytes. Nothing here writes.

mod bucket;
mod cause;
mod error;
mod folder;
mod headers;
mod open;
mod planned;
mod source;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
mod zip;

pub use self::cause::cause;
pub use self::error::PlanInputError;
pub use self::folder::FolderSource;
pub use self::planned::{PlanOptions, PlannedInput};
pub use self::source::{ReadHints, Source, SourceStamp, largest_file};
pub use self::zip::{Archive, ArchiveError};
