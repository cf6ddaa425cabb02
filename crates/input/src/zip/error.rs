//! Errors of zip archives.

use std::io;

/// Reason why a zip archive cannot be used at all.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ArchiveError {
    /// The archive cannot be opened or read.
    #[error("cannot read {archive}")]
    Io {
        /// The archive.
        archive: String,
        /// The error of the file system or the store.
        source: io::Error,
    },
    /// The file is not an archive.
    #[error("{archive} is neither a folder nor a zip archive")]
    NoArchive {
        /// The file.
        archive: String,
    },
    /// The file begins as an archive, but its end is missing.
    #[error("the zip archive {archive} is cut off: its end record is missing; get it again")]
    CutOff {
        /// The archive.
        archive: String,
    },
    /// The central directory cannot be read.
    #[error("the central directory of the zip archive {archive} is damaged; get it again")]
    Damaged {
        /// The archive.
        archive: String,
        /// The error in the directory.
        source: rawzip::Error,
    },
    /// The central directory has another number of entries than the end record.
    #[error(
        "the zip archive {archive} says that it has {said} entries, and has {found}; get it again"
    )]
    OtherCount {
        /// The archive.
        archive: String,
        /// Entries according to the end record.
        said: u64,
        /// Entries in the central directory.
        found: u64,
    },
    /// The file is a part of a split archive.
    #[error(
        "{archive} is a part of a zip archive of several files; make one of them \
         (`zip -s 0 {archive} --out whole.zip`)"
    )]
    Split {
        /// The archive.
        archive: String,
    },
    /// There are more entries, or longer names, than fit in memory.
    #[error("the zip archive {archive} has more than {limit}; unpack it, and convert the folder")]
    TooLarge {
        /// The archive.
        archive: String,
        /// The limit that is exceeded.
        limit: &'static str,
    },
}
