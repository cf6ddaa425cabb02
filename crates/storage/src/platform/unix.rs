//! What every Unix has, Linux and macOS.

use std::fs::{File, FileType, OpenOptions};
use std::io;
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::Path;

/// Opens a file for reading and does not wait for the writer of a pipe.
pub(crate) fn open_for_reading(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).custom_flags(libc::O_NONBLOCK).open(path)
}

/// Opens a file, and fails if a link is at `path`. It does not wait for the other end
/// of a pipe.
pub(crate) fn open_no_link(options: &OpenOptions, path: &Path) -> io::Result<File> {
    let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK;
    options.clone().custom_flags(flags).open(path)
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
