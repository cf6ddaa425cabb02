//! Unix systems other than Linux, such as macOS.

use std::fs::{File, FileType, OpenOptions};
use std::io;
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::Path;

/// Opens a file through the page cache: there is no `O_DIRECT`.
pub(crate) fn open_direct(options: &OpenOptions, path: &Path) -> io::Result<File> {
    options.open(path)
}

/// Opens a file for reading and does not wait for the writer of a pipe.
pub(crate) fn open_for_reading(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).custom_flags(libc::O_NONBLOCK).open(path)
}

/// Names a file type that this platform has beyond files and folders.
pub(crate) fn describe_file_type(kind: FileType) -> Option<&'static str> {
    if kind.is_fifo() {
        Some("it is a pipe, not a file")
    } else if kind.is_socket() {
        Some("it is a socket, not a file")
    } else {
        None
    }
}

/// Flushes the entries of a folder to the disk.
pub(crate) fn flush_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
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
