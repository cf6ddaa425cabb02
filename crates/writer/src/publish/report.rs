//! The options and the result of a publication.

use serde::Serialize;

/// The options of a publication.
#[derive(Clone, Copy, Debug, Default)]
pub struct PublishOptions {
    /// Only find out what would be done.
    pub dry_run: bool,
    /// Read back every object at the end.
    pub verify: bool,
    /// Replace another dataset, or unfinished work, at the address.
    pub overwrite: bool,
}

/// The result of a publication; in a dry run, what would be done.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Published {
    /// Objects of the dataset.
    pub objects: usize,
    /// Their sizes together, in bytes.
    pub bytes: u64,
    /// Objects put.
    pub uploaded: usize,
    /// Their sizes together, in bytes.
    pub uploaded_bytes: u64,
    /// Requests that putting them takes, when none has to be repeated.
    pub upload_requests: usize,
    /// Objects that were there already.
    pub kept: usize,
    /// Objects of a former dataset that the new one lacks. They stay, because a removal
    /// could arrive late, when their keys are in use again.
    pub left_behind: usize,
    /// Objects read back and compared; `None` when that was not asked for.
    pub verified: Option<usize>,
}
