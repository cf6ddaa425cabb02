//! What stands in for the calls that only Unix has, on Windows.

use std::fs::{File, FileType, Metadata, OpenOptions};
use std::io;
use std::path::Path;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// Returns 0: size and time alone tell files apart.
pub fn file_number(_file: &Metadata) -> u64 {
    0
}

/// Opens a file for reading.
pub(crate) fn open_for_reading(path: &Path) -> io::Result<File> {
    File::open(path)
}

/// Opens a file. Links are refused by the caller alone.
pub fn open_no_link(options: &OpenOptions, path: &Path) -> io::Result<File> {
    options.open(path)
}

/// Returns false: a volume that is mounted in a folder is found by the first rename.
pub fn is_mount_point(_folder: &Path) -> bool {
    false
}

/// Returns false: Windows has no such limit.
pub fn is_out_of_files(_error: &io::Error) -> bool {
    false
}

/// Whether an error of a lock says that the file system has none.
pub fn is_without_locks(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::Unsupported
}

/// Returns `None`: this platform has files and folders only.
pub(crate) fn describe_file_type(_kind: FileType) -> Option<&'static str> {
    None
}

/// Does nothing: Windows has no flush of a folder; NTFS journals the rename.
pub(crate) fn flush_folder(_folder: &Path) -> io::Result<()> {
    Ok(())
}

/// Whether an error number says that the process or the machine has no file handle
/// or no memory left (`ERROR_TOO_MANY_OPEN_FILES`, `ERROR_NOT_ENOUGH_MEMORY`,
/// `ERROR_OUTOFMEMORY`, `ERROR_NO_SYSTEM_RESOURCES`).
pub(crate) fn is_machine_error(code: i32) -> bool {
    [4, 8, 14, 1450].contains(&code)
}

/// Whether an error number comes from a disk, or from the server behind a share
/// (`ERROR_NOT_READY` to `ERROR_GEN_FAILURE`, `ERROR_NETNAME_DELETED`,
/// `ERROR_SEM_TIMEOUT`, `ERROR_IO_DEVICE`).
pub(crate) fn is_device_error(code: i32) -> bool {
    (21..=31).contains(&code) || [64, 121, 1117].contains(&code)
}

/// Returns false: Windows has no signals that a process inherits as ignored.
pub fn is_signal_ignored(_signal: i32) -> bool {
    false
}

/// Returns true: a process is never taken for dead.
pub fn is_process_alive(_pid: u32) -> bool {
    true
}

/// Returns the time since the first call. On Windows this clock (the performance
/// counter) counts while the machine sleeps.
pub fn time_with_sleep() -> io::Result<Duration> {
    static BEGUN: OnceLock<Instant> = OnceLock::new();
    Ok(BEGUN.get_or_init(Instant::now).elapsed())
}
