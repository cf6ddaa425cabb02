//! Removes what runs that have ended left behind.
//!
//! Only what the recorded state of OUTPUT does not name is removed, and only while this
//! process holds the lock:
//!
//! - run folders beside OUTPUT; in an object store their objects become empty first, and are
//!   removed when they have been empty for [`REQUESTS_LAST`];
//! - uploads in parts to S3 that dead runs have not completed;
//! - our objects at OUTPUT that a switch has left, because the new dataset lacks them;
//! - with `abandon`, the unfinished run and what it has stored, or the dataset that is built to
//!   replace the one at OUTPUT.
//!
//! A sealed dataset is never touched, and while one replaces another nothing is removed.

use std::collections::BTreeSet;
use std::time::Duration;

use rxrx_storage::{Location, StoreError};
use serde::Serialize;

use crate::events::Observer;
use crate::output::{LockedOutput, OutputError, OutputLocation, OutputState, Remains};

/// The longest time after which a store accepts a request that was signed before: 15 minutes
/// on S3.
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-authenticating-requests.html>
pub(crate) const REQUESTS_LAST: Duration = Duration::from_secs(15 * 60);

/// The options of [`clean`].
#[derive(Clone, Copy, Debug, Default)]
pub struct CleanOptions {
    /// Only find out what would be removed.
    pub dry_run: bool,
    /// Give up the unfinished run, too.
    pub abandon: bool,
}

/// What was removed; in a dry run, what would be.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Cleaned {
    /// Objects of run folders.
    pub run_folder_objects: usize,
    /// Records of a run that has ended or, with `abandon`, is given up.
    pub journal_objects: usize,
    /// Objects at OUTPUT of a dataset that another one has replaced.
    pub left_behind: usize,
    /// Objects at OUTPUT of an unfinished run.
    pub abandoned: usize,
    /// Uploads in parts of dead runs, which are older than a lease lasts; `None` where the
    /// store does not list them.
    pub unfinished_uploads: Option<usize>,
    /// Uploads in parts that are younger, and stay.
    pub young_uploads: usize,
    /// Sizes of all these objects together, in bytes.
    pub bytes: u64,
    /// Empty objects that stay, until no older request can be accepted any more.
    pub waiting: usize,
    /// Whether there is an unfinished run, or a dataset that is built to replace the one at
    /// OUTPUT, which only `abandon` gives up.
    pub unfinished: bool,
}

/// OUTPUT cannot be cleaned.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CleanError {
    /// One dataset takes the place of another one.
    #[error(
        "{output} is being replaced, and nothing of it is a remnant: run the command that \
         replaces it again, or another one with --overwrite"
    )]
    Switching {
        /// OUTPUT.
        output: Location,
    },
    /// There is no dataset of this program, finished or not.
    #[error("{output} is no dataset of rxrx2zarr, and has nothing that a run has left")]
    Foreign {
        /// OUTPUT.
        output: Location,
    },
    /// OUTPUT cannot be used.
    #[error(transparent)]
    Output(#[from] OutputError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Removes what runs that have ended left at `output` and beside it.
///
/// # Errors
/// [`CleanError`]: a run is at work or nothing can be said of OUTPUT; or the store failed,
/// and the same call goes on.
pub fn clean(
    output: &Location,
    options: CleanOptions,
    observer: &dyn Observer,
) -> Result<Cleaned, CleanError> {
    clean_at(&OutputLocation::new(output)?, options, observer)
}

fn clean_at(
    place: &OutputLocation,
    options: CleanOptions,
    observer: &dyn Observer,
) -> Result<Cleaned, CleanError> {
    let lock = LockedOutput::take(place, observer)?;
    let state = lock.state()?;
    let is_unfinished = match &state {
        OutputState::Switching(_) => {
            let output = place.output().clone();
            return Err(CleanError::Switching { output });
        }
        OutputState::Foreign => {
            let output = place.output().clone();
            return Err(CleanError::Foreign { output });
        }
        OutputState::Unfinished(_) | OutputState::Unpublished(_) | OutputState::Damaged(_) => true,
        OutputState::Free | OutputState::Sealed(_) => lock.next().is_some(),
    };
    let abandons = options.abandon && is_unfinished;
    let remains = lock.remains(REQUESTS_LAST, abandons)?;
    let cleaned = cleaned(&remains, is_unfinished && !abandons);
    let is_nothing = Cleaned {
        unfinished_uploads: cleaned.unfinished_uploads.filter(|count| *count > 0),
        ..cleaned.clone()
    } == Cleaned::default();
    if matches!(state, OutputState::Free) && is_nothing {
        let output = place.output().clone();
        return Err(CleanError::Foreign { output });
    }
    if !options.dry_run {
        lock.remove_remains(&remains, abandons)?;
    }
    Ok(cleaned)
}

fn cleaned(remains: &Remains, unfinished: bool) -> Cleaned {
    let folders = remains.full.iter().chain(&remains.emptied);
    let all = folders
        .chain(&remains.journal)
        .chain(&remains.left_behind)
        .chain(&remains.abandoned);
    let all: BTreeSet<(&str, u64)> = all
        .map(|object| (object.key.as_str(), object.size))
        .collect();
    Cleaned {
        run_folder_objects: remains.full.len() + remains.emptied.len(),
        journal_objects: remains.journal.len(),
        left_behind: remains.left_behind.len(),
        abandoned: remains.abandoned.len(),
        unfinished_uploads: remains.uploads.as_ref().map(|uploads| uploads.dead.len()),
        young_uploads: remains.uploads.as_ref().map_or(0, |uploads| uploads.young),
        bytes: all.iter().map(|(_, size)| size).sum(),
        waiting: remains.waiting,
        unfinished,
    }
}

#[cfg(test)]
mod tests;
