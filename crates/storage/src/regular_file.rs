//! Opening of regular files, and of nothing else.

use std::fs::{File, FileType, Metadata};
use std::io;
use std::path::Path;

use crate::platform;

/// Opens a regular file for reading and returns what the file system knows of
/// it. Anything else is refused: a pipe would keep its reader waiting for ever.
///
/// # Errors
/// What the file system said; [`io::ErrorKind::InvalidInput`] when there is a
/// folder, a pipe, a socket or a device at `path`.
pub fn open_file(path: &Path) -> io::Result<(File, Metadata)> {
    let file = platform::open_for_reading(path).map_err(|error| match path.metadata() {
        // A socket cannot even be opened, and the system's words for that are
        // "No such device or address".
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
