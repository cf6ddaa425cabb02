//! Opens regular files and refuses anything else.

use std::fs::{File, FileType, Metadata};
use std::io;
use std::path::Path;

use crate::platform;

/// Opens a regular file for reading and returns its metadata. Anything else is
/// refused: the reader of a pipe would wait for ever.
///
/// # Errors
/// The error of the file system; [`io::ErrorKind::InvalidInput`] when `path` is a
/// folder, a pipe, a socket or a device.
pub fn open_file(path: &Path) -> io::Result<(File, Metadata)> {
    let file = platform::open_for_reading(path).map_err(|error| match path.metadata() {
        // Opening a socket fails with "No such device or address", which does not
        // name the reason.
        Ok(found) if !found.is_file() && !found.is_dir() => not_a_file(found.file_type()),
        _ => error,
    })?;
    let found = file.metadata()?;
    if found.is_file() {
        Ok((file, found))
    } else {
        Err(not_a_file(found.file_type()))
    }
}

fn not_a_file(kind: FileType) -> io::Error {
    let text = if kind.is_dir() {
        "it is a folder, not a file"
    } else {
        platform::describe_file_type(kind).unwrap_or("it is not a regular file")
    };
    io::Error::new(io::ErrorKind::InvalidInput, text)
}
