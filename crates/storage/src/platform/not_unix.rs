//! What stands in for the calls that only Unix has, on Windows.

use std::fs::{File, FileType};
use std::io;
use std::path::Path;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

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

/// Returns true: a process is never taken for dead.
pub(crate) fn is_process_alive(_pid: u32) -> bool {
    true
}

/// Returns the time since the first call. On Windows this clock (the performance
/// counter) counts while the machine sleeps.
pub(crate) fn time_with_sleep() -> io::Result<Duration> {
    static BEGUN: OnceLock<Instant> = OnceLock::new();
    Ok(BEGUN.get_or_init(Instant::now).elapsed())
}
