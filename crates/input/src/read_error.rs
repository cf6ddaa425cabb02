//! Errors of reading one file of INPUT.

use std::error::Error;
use std::fmt;
use std::io;
use std::sync::Arc;

use rxrx_storage::{IoFault, Unreachable};

/// Reason why a file of INPUT could not be read. Cloning copies a pointer.
///
/// The text is that of the underlying error: the caller knows the path.
#[derive(Clone, Debug)]
pub enum ReadError {
    /// This file cannot be used; others may be readable.
    Unusable {
        /// The kind of fault, for counting.
        cause: Cause,
        /// The fault.
        source: Arc<dyn Error + Send + Sync>,
    },
    /// INPUT as a whole cannot be read any more.
    Unreachable(Unreachable),
}

/// Kinds of faults by which one file cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// A folder, a pipe, a link or a device is in its place.
    NotAFile,
    /// The file does not exist.
    Vanished,
    /// The file system denies access.
    Permission,
    /// The file is larger than any image of the array.
    TooLarge,
    /// The disk, or the server behind a mount, could not read the file.
    Unreadable,
    /// The system refuses the file for another reason, such as a loop of links.
    System,
    /// The archive holds it encrypted.
    Encrypted,
    /// The archive holds it in an unsupported compression method.
    PackingMethod,
    /// The headers of the archive contradict each other.
    ArchiveEntry,
    /// The compressed data are damaged.
    ArchiveData,
    /// The CRC-32 differs.
    ArchiveChecksum,
    /// The TIFF has no such page, or another number of pages than there are channels, or it
    /// is damaged.
    Page,
}

impl Cause {
    /// The word for the cause in the tables of a dataset.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotAFile => "not_a_file",
            Self::Vanished => "vanished",
            Self::Permission => "permission",
            Self::TooLarge => "too_large",
            Self::Unreadable => "unreadable",
            Self::System => "system",
            Self::Encrypted => "encrypted",
            Self::PackingMethod => "packing_method",
            Self::ArchiveEntry => "archive_entry",
            Self::ArchiveData => "archive_data",
            Self::ArchiveChecksum => "archive_checksum",
            Self::Page => "tiff_page",
        }
    }
}

impl ReadError {
    /// Returns the error of a file that cannot be used.
    pub fn unusable(cause: Cause, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Unusable {
            cause,
            source: Arc::from(source.into()),
        }
    }

    /// Returns the error of a file that does not exist.
    pub(crate) fn vanished(text: &'static str) -> Self {
        Self::unusable(Cause::Vanished, text)
    }

    /// Whether the file exists and the system could not read it, though it could read
    /// others: its content need not be damaged.
    pub fn is_unreadable(&self) -> bool {
        let unreadable = Cause::Unreadable;
        matches!(self, Self::Unusable { cause, .. } if *cause == unreadable)
    }

    /// Whether the file does not exist.
    pub fn is_vanished(&self) -> bool {
        let vanished = Cause::Vanished;
        matches!(self, Self::Unusable { cause, .. } if *cause == vanished)
    }
}

/// An error of the file system that concerns this file only. `Faults` finds out
/// whether it does.
impl From<io::Error> for ReadError {
    fn from(error: io::Error) -> Self {
        let cause = match error.kind() {
            io::ErrorKind::NotFound => Cause::Vanished,
            io::ErrorKind::PermissionDenied => Cause::Permission,
            io::ErrorKind::FileTooLarge => Cause::TooLarge,
            _ if IoFault::of(&error) == IoFault::Device => Cause::Unreadable,
            _ => Cause::System,
        };
        Self::unusable(cause, error)
    }
}

impl From<Unreachable> for ReadError {
    fn from(error: Unreachable) -> Self {
        Self::Unreachable(error)
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unusable { source, .. } => source.fmt(f),
            Self::Unreachable(error) => error.fmt(f),
        }
    }
}

impl Error for ReadError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Unusable { source, .. } => source.source(),
            Self::Unreachable(error) => error.source(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_the_file_system_have_their_cause_and_text() {
        for (kind, expected) in [
            (io::ErrorKind::NotFound, "vanished"),
            (io::ErrorKind::PermissionDenied, "permission"),
            // Kinds that other code may use say nothing about the file.
            (io::ErrorKind::InvalidInput, "system"),
            (io::ErrorKind::Other, "system"),
        ] {
            let error = ReadError::from(io::Error::new(kind, "text"));
            assert_eq!(error.to_string(), "text");
            assert_eq!(error.is_vanished(), expected == "vanished");
            let ReadError::Unusable { cause, .. } = error else {
                panic!("{error}");
            };
            assert_eq!(cause.as_str(), expected);
        }
    }
}
