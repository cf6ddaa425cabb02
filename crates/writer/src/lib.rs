//! How a run goes: convert, retry, seal, verify, publish.
//!
//! ```text
//! INPUT ──PlannedInput──> Plan ──┐
//!                                │  pipeline: Source -> Decoder -> ChunkEncoder -> shard
//!                                ├──────────────> Store   images.zarr/images/c/…   (one put a unit)
//!                                │  seal: labels, tables, card, checksums
//!                                └──────────────> Store   images.zarr/zarr.json    (last of all)
//! ```
//!
//! The image array has the axes (site, channel, y, x), 8- or 16-bit unsigned
//! samples. A *chunk* is what a reader decodes at once, a *shard* is one stored
//! object of many chunks, a *unit* is one shard's work; units know nothing of
//! each other. See [`pipeline`](convert) for how they share the cores and how
//! much memory they take.

mod convert;
mod describe;
mod error_kind;
mod events;
#[cfg(test)]
mod fixture;
mod inspect;
mod journal;
mod output;
mod pipeline;
mod projection;
mod publish;
mod refused;
mod replan;
mod seal;
mod verify;

/// The table, names and plan: see `rxrx_metadata`.
pub use rxrx_metadata as metadata;

pub use rxrx_format::{
    ChannelDescription, Codec, CodecError, DatasetAttributes, Description, EmbeddingsDigest,
    GENERATOR, LabelError, PlaneCounts, ReadTableError, Settings, TableError, UnknownCodec, Window,
    data_type_name,
};
pub use rxrx_input::{
    Archive, ArchiveError, FolderSource, PlanInputError, PlanOptions, PlannedInput, ReadHints,
    Source, SourceStamp,
};
pub use rxrx_reader::{DatasetError, DatasetInfo};
pub use rxrx_storage::{
    Address, LocalStore, Location, LocationError, LockError, Store, StoreError, StoreErrorKind,
    StoreOption, StoredObject, WriteObject, WriteOutcome, open_store, set_mmap_threshold,
};

pub use self::convert::{ConvertError, ConvertOptions, Converted, convert};
pub use self::describe::{DescriptionError, describe};
pub use self::error_kind::{ErrorKind, HasErrorKind};
pub use self::events::{Event, Observer, Silent};
pub use self::inspect::{InspectError, MadeWith, Unfinished};
pub use self::journal::{
    JournalError, PlaneRecord, RecordedError, ResumeError, Resumed, SourceChanges, UnitRecord,
};
pub use self::output::{LostObject, OutputError};
pub use self::pipeline::PipelineError;
pub use self::projection::Projection;
pub use self::publish::{PublishError, PublishOptions, Published, publish};
pub use self::refused::RefusedImages;
pub use self::replan::plan_options;
pub use self::seal::SealError;
pub use self::verify::{
    Finding, FindingKind, ObjectFindings, SiteSpan, VerifyError, VerifyOptions, VerifyReport,
    verify,
};
