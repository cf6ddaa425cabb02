//! Opens regular files and refuses anything else.

use std::fs::{File, FileType, Metadata};
use std::io;
use std::path::Path;

use crate::system;

/// Reason why a path could not be opened as a regular file.
#[derive(Debug, thiserror::Error)]
pub enum OpenFileError {
    /// A folder, a pipe, a socket or a device is at the path.
    #[error("{0}")]
    NotAFile(&'static str),
    /// The file system refused.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl From<OpenFileError> for io::Error {
    fn from(error: OpenFileError) -> Self {
        match error {
            OpenFileError::NotAFile(text) => Self::other(text),
            OpenFileError::Io(error) => error,
        }
    }
}

/// Opens a regular file for reading and returns its metadata. Anything else is
/// refused: reading a pipe would wait for a writer without end.
///
/// # Errors
/// [`OpenFileError`].
pub fn open_file(path: &Path) -> Result<(File, Metadata), OpenFileError> {
    let file = system::open_for_reading(path).map_err(|error| match path.metadata() {
        // A socket cannot even be opened, and the text of the system for that is
        // "No such device or address".
        Ok(found) if !found.is_file() && !found.is_dir() => not_a_file(found.file_type()),
        _ => OpenFileError::Io(error),
    })?;
    let found = file.metadata()?;
    if found.is_file() {
        Ok((file, found))
    } else {
        Err(not_a_file(found.file_type()))
    }
}

fn not_a_file(kind: FileType) -> OpenFileError {
    OpenFileError::NotAFile(if kind.is_dir() {
        "it is a folder, not a file"
    } else {
        system::describe_file_type(kind).unwrap_or("it is not a regular file")
    })
}
