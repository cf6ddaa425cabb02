//! The journal of an unfinished run: a description of the run, and one record for
//! each unit whose shard is durable. It lies beside OUTPUT, never inside.
//!
//! | object | holds |
//! |---|---|
//! | `run.json` | the [`Run`]: fingerprint, units, whether OUTPUT was cleared, which units are retried |
//! | `units/N.json` | the [`UnitRecord`] of the shard `N` |
//!
//! A run that retries the bad units of a dataset has records of these units only.
//! The records of the others are made from the tables of the dataset.
//!
//! Each object is one line of JSON and a second line with the CRC-32C of the first,
//! so that a damaged record is recognised. Each is put as a whole, because a store
//! has no append.

mod fingerprint;
mod record;
mod recorded;
mod resume;
mod run;
mod unit_records;

pub(crate) use self::fingerprint::{Fingerprint, format_difference};
pub(crate) use self::record::StoredUnit;
pub use self::record::{PlaneRecord, UnitRecord};
pub use self::recorded::RecordedError;
pub(crate) use self::recorded::RecordedUnits;
pub(crate) use self::resume::{Resume, is_intact, resume};
pub use self::resume::{ResumeError, Resumed, SourceChanges};
pub use self::run::JournalError;
pub(crate) use self::run::{Journal, RUN, Run, is_entry};
pub(crate) use self::unit_records::UnitRecords;
