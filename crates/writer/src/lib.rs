#![doc = include_str!("../README.md")]
//!
//! ## Modules
//!
//! ```text
//! convert      the whole conversion: options, transitions of OUTPUT, units; in parts: convert::job
//!  ├─ output    OUTPUT and the work folder: states, lock, checksums of objects
//!  ├─ journal   description of a run, its stored plan, record of each unit, what is done
//!  ├─ pipeline  threads that read, decode, encode and store the units
//!  └─ seal      labels, tables, documents and root of a dataset
//! verify       comparison of a dataset with its records and its source
//! publish      copy into an object store
//! store_checksums   checksums of an object store, recorded when a dataset is stored there
//! inspect      state and settings of a dataset, finished or not
//! events       progress, for an observer
//! error_kind   kind of every error
//! space        room on the file system of OUTPUT
//! clean        what runs that have ended left
//! describe, projection, refused, replan: small parts of these
//! ```

mod clean;
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
mod plan_input;
mod publish;
mod refused;
mod replan;
mod seal;
mod space;
mod store_checksums;
#[cfg(test)]
mod tests;
mod verify;

/// Tables, names of images and plans.
pub use rxrx_metadata as metadata;

pub use rxrx_decoder::Oddity;
pub use rxrx_format::{
    ChannelDescription, Codec, CodecError, ColumnMeaning, ColumnMeanings, DatasetAttributes,
    Description, EmbeddingsDigest, GENERATOR, LabelError, PlaneCounts, READER_VERSIONS,
    ReadTableError, Settings, TableError, UnknownCodec, Window, WindowOrigin, data_type_name,
};
pub use rxrx_input::{
    Archive, ArchiveError, DescriptionError, FolderSource, PlanInputError, PlanOptions,
    PlannedInput, ReadError, ReadHints, Source, SourceStamp, TableLocation, Tables, input_names,
    input_of_tables,
};
pub use rxrx_reader::{DatasetError, DatasetInfo};
pub use rxrx_storage::{
    Address, FreeSpace, LocalStore, Location, LocationError, LockError, Store, StoreError,
    StoreErrorKind, StoreOption, StoredObject, WriteObject, WriteOutcome, anonymous_memory,
    bytes_a_second, is_signal_ignored, open_store, release_free_memory, set_mmap_threshold,
};

pub use rxrx_verify::{
    ChangedObjects, Finding, FindingKind, MemoryLimit, ObjectFindings, SiteSpan, StoreReport,
    TooLittleMemory, VerifyError, VerifyOptions, VerifyReport, verify_by_store,
};

pub use self::clean::{CleanError, CleanOptions, Cleaned, clean};
pub use self::convert::{
    ConvertError, ConvertOptions, Converted, JobError, JobInput, JobSealed, JobStarted, JobStatus,
    PartRun, PartStatus, WorkerStatus, convert, init_job, job_status, run_part, seal_job,
};
pub use self::describe::describe;
pub use self::error_kind::{ErrorKind, HasErrorKind};
pub use self::events::{Event, Observer, Silent};
pub use self::inspect::{InspectError, LeftOver, MadeWith, Unfinished};
pub use self::journal::{
    JobPlanError, JournalError, OverviewRecord, PartPlan, PlaneRecord, RecordedError, ResumeError,
    Resumed, SourceChanges, UnitRecord,
};
pub use self::output::{Existing, LockKind, LostObject, OutputError};
pub use self::pipeline::PipelineError;
pub use self::plan_input::{plan_input, plan_inputs};
pub use self::publish::{PublishError, PublishOptions, Published, publish};
pub use self::refused::RefusedImages;
pub use self::replan::plan_options;
pub use self::seal::SealError;
pub use self::space::{DoesNotFit, OutputSpace, Space};
pub use self::verify::verify;
pub use rxrx_estimate::{CodecSize, ObjectNumbers, Projection};
