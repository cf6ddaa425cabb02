//! The whole conversion: check, claim OUTPUT, run the units, seal.
//!
//! # What is on disk when the process dies here
//!
//! Work lies in `OUTPUT.rxrx2zarr/`, the folder beside OUTPUT. Each object is
//! written under a temporary name there, flushed, renamed, and its folder is
//! flushed, so every object named below is whole or absent. *Again* is what the
//! same command does when it is run again.
//!
//! | the process dies | OUTPUT | beside it | again |
//! |---|---|---|---|
//! | before OUTPUT is claimed | as before | as before | begins |
//! | when the lock is taken | as before | `lock` | begins; the operating system let go of the lock |
//! | when the run is described | as before | `run.json` | begins |
//! | while a shard is written | shards so far | a temporary file more | removes it, converts the unit |
//! | between a shard and its record | one shard more | no record of it | converts the unit, to the same bytes |
//! | while a record is written | likewise | a temporary file more | likewise |
//! | after a record | shards so far | their records | goes on with the next unit |
//! | while sealing | all shards, some labels and tables | all records | seals, to the same bytes |
//! | after `SHA256SUMS`, before the root | all but the root metadata | all records | seals |
//! | after the root metadata | complete | all records | finds it complete, cleans up |
//! | while cleaning up | complete | `run.json` goes first, then the rest | likewise |
//! | with `--overwrite`, while the old journal is removed | as before | `run.json`, some records | starts over |
//! | with `--overwrite`, while OUTPUT is removed | without root metadata: no dataset | `run.json`: not cleared | removes the rest, begins |
//! | with `--retry-bad`, while the journal is rebuilt | complete, as before | records, no `run.json` | starts over |
//! | with `--retry-bad`, after that | complete, or without root metadata | `run.json`, all records | goes on |
//!
//! In an object store it is the same with the prefix `OUTPUT.rxrx2zarr/` in place
//! of the folder. A put is whole or absent there, too; in place of a temporary
//! file there may be parts of an upload that nobody sees, which a life-cycle rule
//! of the bucket removes. In place of `lock` there is a claim, which is stale as
//! soon as its process is dead, for other machines a minute later. A dead
//! process of which a put is still under way can do no harm: see `output_lock::claim`.
//!
//! In every row a reader finds either no root metadata, and so no dataset, or a
//! complete one.

mod conversion;
mod converted;
mod error;
mod options;
mod problems;
#[cfg(test)]
mod tests;
mod work;

use rxrx_input::PlannedInput;
use rxrx_storage::{Location, release_free_memory};

use self::conversion::Conversion;
pub use self::converted::Converted;
pub use self::error::ConvertError;
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
    convert_at(&OutputLocation::new(output)?, planned, options, observer)
}

fn convert_at(
    output: &OutputLocation,
    planned: &PlannedInput,
    options: &ConvertOptions,
    observer: &dyn Observer,
) -> Result<Converted, ConvertError> {
    output.refuse_overlap(&planned.input)?;
    // A retry is meant for a dataset that lacks images.
    let allow_missing = options.allow_missing || options.existing == Existing::RetryBad;
    refuse_problems(planned, allow_missing)?;
    Conversion::new(planned, output, options, observer)?.run()
}
