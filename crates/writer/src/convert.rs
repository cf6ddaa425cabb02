//! The whole conversion: check the input, lock OUTPUT, run the units, seal.
//!
//! # On disk when the process dies
//!
//! The journal lies in the work folder `OUTPUT.rxrx2zarr/`, beside OUTPUT. Each
//! object is written under a temporary name there, flushed and renamed, and its
//! folder is flushed. So every object of the table is complete or absent. The last
//! column says what the same command does when it runs again.
//!
//! | the process dies | OUTPUT | work folder | the same command |
//! |---|---|---|---|
//! | before OUTPUT is locked | as before | as before | begins |
//! | after the lock is taken | as before | `lock` | begins; the operating system has released the lock |
//! | after the run is described | as before | `state.json` | begins |
//! | while a shard is written | shards so far | records, a temporary file | removes the file, converts the unit |
//! | between a shard and its record | shards so far, one more | no record of the last shard | converts the unit, to the same bytes |
//! | while a record is written | shards so far, one more | records, a temporary file | removes the file, converts the unit |
//! | after a record | shards so far | their records | continues with the next unit |
//! | while it seals | all shards, some labels and tables | all records | seals, to the same bytes |
//! | after `SHA256SUMS`, before the root | all objects but the root metadata | all records | seals |
//! | after the root metadata | complete | all records | finds it complete, flushes the root metadata once more, removes the work folder |
//! | while the work folder is removed | complete | `state.json` goes first, then the rest | finds it complete, removes the rest |
//! | `--overwrite`, `--retry-bad`: while the new objects are made | complete, as before | `state.json` names a run folder with the new objects and their records | goes on with them |
//! | while they take the place of the old ones | a marker in place of the root metadata | `state.json` says `switching`; the complete new dataset | finishes the switch |
//! | after the new root metadata | complete | `state.json`, the new dataset once more | removes the work folder |
//!
//! In an object store the prefix `OUTPUT.rxrx2zarr/` takes the place of the folder.
//! A put is complete or absent there, too. In place of a temporary file there may
//! be parts of an upload, which readers do not see and which a life-cycle rule of
//! the bucket removes. In place of `lock` there is a lease, which ends when its
//! process is dead; other machines wait a minute for that. A put of a dead process
//! that is still on its way does no harm: see `rxrx_storage::LeaseLock`.
//!
//! In every row a reader finds either no root metadata, and so no dataset, or a
//! complete dataset.

mod builder;
mod conversion;
mod converted;
mod error;
mod job;
mod options;
mod problems;
#[cfg(test)]
mod tests;
mod wanted;
mod work;

use rxrx_input::PlannedInput;
use rxrx_storage::{Location, release_free_memory};

use self::conversion::Conversion;
pub use self::converted::Converted;
pub use self::error::ConvertError;
pub use self::job::{
    JobError, JobInput, JobSealed, JobStarted, JobStatus, PartRun, PartStatus, WorkerStatus,
    init_job, job_status, run_part, seal_job,
};
pub use self::options::ConvertOptions;
use self::problems::refuse_problems;
use crate::events::Observer;
use crate::output::{Existing, OutputLocation};

/// Converts the input that `planned` describes into a dataset at `output`, or
/// continues to. A complete dataset of the same input and settings is left as it
/// is.
///
/// # Errors
/// [`ConvertError`]; `output` then has no root metadata and no reader takes it
/// for a dataset, unless it was one before. An image that cannot be used is no
/// error (unless `strict` is set): it is recorded, and counted in
/// [`Converted::planes`].
pub fn convert(
    planned: &PlannedInput,
    output: &Location,
    options: &ConvertOptions,
    observer: &dyn Observer,
) -> Result<Converted, ConvertError> {
    // The listing took several times as much memory as the plan.
    release_free_memory();
    convert_at(
        &OutputLocation::locked_by(output, options.lock)?,
        planned,
        options,
        observer,
    )
}

pub(crate) fn convert_at(
    output: &OutputLocation,
    planned: &PlannedInput,
    options: &ConvertOptions,
    observer: &dyn Observer,
) -> Result<Converted, ConvertError> {
    for input in &planned.inputs {
        output.refuse_overlap(input)?;
    }
    output.refuse_nested()?;
    // A retry is meant for a dataset that lacks images.
    let allow_missing = options.allow_missing || options.existing == Existing::RetryBad;
    refuse_problems(planned, allow_missing)?;
    Conversion::new(planned, output, options, observer)?.run()
}
