//! Errors of tar files.

use std::io;

use crate::read_error::ReadError;

/// Reason why a tar file cannot be used at all.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TarError {
    /// The tar cannot be opened or read.
    #[error("cannot read the tar {tar}")]
    Io {
        /// The tar.
        tar: String,
        /// The error of the file system.
        source: io::Error,
    },
    /// The tar was replaced, or its store cannot be reached.
    #[error("cannot read the tar {tar}")]
    Unreachable {
        /// The tar.
        tar: String,
        /// The error of the store.
        source: ReadError,
    },
    /// A header cannot be read.
    #[error("the tar {tar} is damaged behind byte {offset}; get it again")]
    Damaged {
        /// The tar.
        tar: String,
        /// End of the last member that could be read.
        offset: u64,
        /// What is wrong.
        source: io::Error,
    },
    /// The last member, or the block of zeros behind it, is missing.
    #[error(
        "the tar {tar} is cut off: it has {length} bytes, and at least {needed} are needed; get it again"
    )]
    CutOff {
        /// The tar.
        tar: String,
        /// Its size in bytes.
        length: u64,
        /// Least size in bytes.
        needed: u64,
    },
    /// Something follows the end of the tar.
    #[error(
        "the tar {tar} ends at byte {end}, and other data follow: several tars in one file cannot \
         be read; give them one by one"
    )]
    Joined {
        /// The tar.
        tar: String,
        /// Where the first tar ends.
        end: u64,
    },
    /// A header needs more bytes than any name does.
    #[error("the tar {tar} has a header of more than 1 MiB behind byte {offset}; get it again")]
    LargeHeader {
        /// The tar.
        tar: String,
        /// End of the last member that could be read.
        offset: u64,
    },
    /// There are more members, or longer names, than fit in memory.
    #[error("the tar {tar} has more than {limit}; unpack it, and convert the folder")]
    TooLarge {
        /// The tar.
        tar: String,
        /// The limit that is exceeded.
        limit: &'static str,
    },
    /// The members of a compressed tar have no offsets.
    #[error(
        "{tar} is a compressed tar, in which no image can be read before all those in front of it \
         are unpacked; unpack it (`tar -xf {tar}`), and convert the folder"
    )]
    Compressed {
        /// The tar.
        tar: String,
    },
}
