//! What stands in for the calls that only Linux has.

use std::fs::File;
use std::io;
use std::path::Path;

/// Returns `None`: there is no `O_DIRECT`.
pub(crate) fn open_direct(_path: &Path) -> io::Result<Option<File>> {
    Ok(None)
}

/// Returns `None`: this platform has no name that tells containers apart.
pub fn machine_id() -> Option<String> {
    None
}

/// Returns `None`: nothing is asked here.
pub fn anonymous_memory() -> Option<u64> {
    None
}

/// Returns `None`: nothing is asked here.
pub(crate) fn free_space(_folder: &Path) -> Option<(u64, Option<u64>)> {
    None
}

/// Does nothing: the allocator decides.
pub fn release_free_memory() {}

/// Does nothing: the allocator decides.
///
/// # Safety
/// No other thread may exist, as on Linux with glibc.
#[allow(unsafe_code, reason = "the same contract as on Linux")]
pub unsafe fn set_mmap_threshold() {}
