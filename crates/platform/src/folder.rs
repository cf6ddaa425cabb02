//! Folders whose names survive a loss of power.

use std::fs;
use std::io;
use std::path::Path;

use crate::system;

/// Flushes the names in `folder`. Returns false if the file system has no such flush:
/// some network and FUSE file systems refuse it, and keep names by other means or not
/// at all.
///
/// # Errors
/// If the folder cannot be opened or flushed.
pub fn flush_names(folder: &Path) -> io::Result<bool> {
    match system::flush_folder(folder) {
        Err(error) if is_unsupported(&error) => Ok(false),
        flushed => flushed.map(|()| true),
    }
}

fn is_unsupported(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported
    )
}

/// Creates `folder` and the folders above it, and flushes the name of each: otherwise
/// a loss of power could lose the name of a flushed file.
///
/// The name of a folder that exists is flushed, too: the process that created it may
/// have been killed before it flushed.
///
/// # Errors
/// If a folder cannot be created, or its name cannot be flushed.
pub fn create_folder(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return match flush_names(parent_of(folder)) {
            // Who may not list the folder above can still use this one.
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
            flushed => flushed.map(drop),
        };
    }
    create_folder(parent_of(folder))?;
    match fs::create_dir(folder) {
        // Another thread may have created it meanwhile.
        Err(error) if !folder.is_dir() => return Err(error),
        _ => {}
    }
    flush_names(parent_of(folder)).map(drop)
}

/// Returns the folder that holds the name of `path`.
pub fn parent_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
        Some(parent) => parent,
        None => path,
    }
}
