//! The kinds of faults by which an image cannot be read.

use std::io;

use crate::zip::EntryError;

/// A short name of why an image could not be read, for counting.
pub fn cause(error: &io::Error) -> &'static str {
    let inner = error.get_ref();
    if let Some(error) = inner.and_then(|inner| inner.downcast_ref::<EntryError>()) {
        return error.cause();
    }
    match error.kind() {
        io::ErrorKind::InvalidInput => "not_a_file",
        io::ErrorKind::NotFound => "vanished",
        io::ErrorKind::PermissionDenied => "permission",
        io::ErrorKind::FileTooLarge => "too_large",
        _ => "unreadable",
    }
}
