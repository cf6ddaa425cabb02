//! Errors of zip archives.

use std::io;

/// A zip archive cannot be used at all.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ArchiveError {
    /// It cannot be opened or read.
    #[error("cannot read {archive}")]
    Io {
        /// The archive.
        archive: String,
        /// What the file system or the store said.
        source: io::Error,
    },
    /// It is some other file.
    #[error("{archive} is neither a folder nor a zip archive")]
    NoArchive {
        /// The file.
        archive: String,
    },
    /// It begins as an archive does and has no end.
    #[error("the zip archive {archive} is cut off: its end record is missing; get it again")]
    CutOff {
        /// The archive.
        archive: String,
    },
    /// Its central directory makes no sense.
    #[error("the central directory of the zip archive {archive} is damaged; get it again")]
    Damaged {
        /// The archive.
        archive: String,
        /// What is wrong with it.
        source: rawzip::Error,
    },
    /// Entries are missing from the central directory, or too many in it.
    #[error(
        "the zip archive {archive} says that it has {said} entries, and has {found}; get it again"
    )]
    OtherCount {
        /// The archive.
        archive: String,
        /// What the end record says.
        said: u64,
        /// Entries in the central directory.
        found: u64,
    },
    /// It is one of several files.
    #[error(
        "{archive} is a part of a zip archive of several files; make one of them \
         (`zip -s 0 {archive} --out whole.zip`)"
    )]
    Split {
        /// The archive.
        archive: String,
    },
    /// There are more entries, or longer names, than can be kept in mind.
    #[error("the zip archive {archive} has more than {limit}; unpack it, and convert the folder")]
    TooLarge {
        /// The archive.
        archive: String,
        /// The limit that is passed.
        limit: &'static str,
    },
}
