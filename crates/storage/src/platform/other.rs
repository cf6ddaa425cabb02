//! Platforms that are not Unix, such as Windows.

use std::fs::{File, FileType, OpenOptions};
use std::io;
use std::path::Path;

/// Opens a file through the page cache.
pub(crate) fn open_direct(options: &OpenOptions, path: &Path) -> io::Result<File> {
    options.open(path)
}

/// Opens a file for reading.
pub(crate) fn open_for_reading(path: &Path) -> io::Result<File> {
    File::open(path)
}

/// Returns `None`: this platform has files and folders only.
pub(crate) fn describe_file_type(_kind: FileType) -> Option<&'static str> {
    None
}

/// Does nothing: Windows has no flush of a folder; NTFS journals the rename.
pub(crate) fn flush_folder(_folder: &Path) -> io::Result<()> {
    Ok(())
}

/// Returns `None`: this platform has no name that tells containers apart.
pub(crate) fn machine_id() -> Option<String> {
    None
}

/// Returns true: a process is never taken for dead.
pub(crate) fn is_process_alive(_pid: u32) -> bool {
    true
}

/// Does nothing: the allocator decides.
pub fn release_free_memory() {}

/// Does nothing: the allocator decides.
///
/// # Safety
/// No other thread may exist, as on Linux with glibc.
#[allow(unsafe_code, reason = "the same contract as on Linux")]
pub unsafe fn set_mmap_threshold() {}
