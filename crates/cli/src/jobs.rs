//! Number of threads that a command uses.

use std::io;
use std::num::NonZeroUsize;
use std::thread::available_parallelism;

/// The operating system does not tell the number of cores.
#[derive(Debug, thiserror::Error)]
#[error("cannot find out the number of cores; give the number of threads with --jobs")]
pub(crate) struct UnknownCores(#[source] io::Error);

/// Returns the number of worker threads: `given` by the user, or one for each core.
///
/// # Errors
/// [`UnknownCores`] if no number is given and the number of cores is unknown.
pub(crate) fn jobs_or_cores(given: Option<NonZeroUsize>) -> Result<NonZeroUsize, UnknownCores> {
    match given {
        Some(jobs) => Ok(jobs),
        None => available_parallelism().map_err(UnknownCores),
    }
}
