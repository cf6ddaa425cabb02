//! What stands in for the calls that only Unix has, on Windows.

use std::fs::{File, FileType, OpenOptions};
use std::io;
use std::path::Path;

/// Opens a file for reading.
pub(crate) fn open_for_reading(path: &Path) -> io::Result<File> {
    File::open(path)
}

/// Opens a file. Links are refused by the caller alone.
pub(crate) fn open_no_link(options: &OpenOptions, path: &Path) -> io::Result<File> {
    options.open(path)
}

/// Returns false: a volume that is mounted in a folder is found by the first rename.
pub(crate) fn is_mount_point(_folder: &Path) -> bool {
    false
}

/// Returns false: Windows has no such limit.
pub(crate) fn is_out_of_files(_error: &io::Error) -> bool {
    false
}

/// Returns `None`: this platform has files and folders only.
pub(crate) fn describe_file_type(_kind: FileType) -> Option<&'static str> {
    None
}

/// Does nothing: Windows has no flush of a folder; NTFS journals the rename.
pub(crate) fn flush_folder(_folder: &Path) -> io::Result<()> {
    Ok(())
}
