//! The journal of an unfinished run: one record, `units/N.json`, for each unit whose shard
//! `N` and whose overviews are durable. It lies beside OUTPUT, never inside: in the work folder, or in the run
//! folder there in which a dataset is built to replace another one. The [`Run`] that it
//! belongs to is in the state of OUTPUT.
//!
//! A worker that ends its part merges the records of its units (`blocks`), and a part whose worker
//! failed is noted (`failures`).
//!
//! A run of several workers is a *job*. Its plan is stored in `plan/` beside the journal
//! (`job_plan`), so that no worker lists INPUT or reads the table again.
//!
//! A run that retries the bad units of a dataset has records of these units only.
//! The records of the others are made from the tables of the dataset.
//!
//! Each record is one line of JSON and a second line with the CRC-32C of the first,
//! so that a damaged record is recognised. Each is put as a whole, because a store
//! has no append.

mod block;
mod blocks;
mod entry;
mod failures;
mod fingerprint;
mod job_plan;
mod record;
mod recorded;
mod resume;
mod run;
mod unit_records;

pub(crate) use self::block::Block;
pub(crate) use self::blocks::ListedUnit;
pub use self::entry::JournalError;
pub(crate) use self::entry::{encode_entry, parse_entry};
pub use self::failures::FailedPart;
pub(crate) use self::fingerprint::{Fingerprint, format_difference};
pub(crate) use self::job_plan::{JobPlan, JobReference};
pub use self::job_plan::{JobPlanError, PartPlan};
pub(crate) use self::record::{OtherVersions, RecordedObject, StoredUnit};
pub use self::record::{OverviewRecord, PlaneRecord, UnitRecord};
pub use self::recorded::RecordedError;
pub(crate) use self::recorded::RecordedUnits;
pub(crate) use self::resume::{Resume, damaged_object, resume, resume_units};
pub use self::resume::{ResumeError, Resumed, SourceChanges};
pub(crate) use self::run::{Journal, Run, is_entry};
pub(crate) use self::unit_records::UnitRecords;
