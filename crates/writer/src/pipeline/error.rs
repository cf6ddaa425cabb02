//! Errors of the pipeline.

use std::io;

use rxrx_decoder::DecodeError;
use rxrx_format::CodecError;
use rxrx_input::ReadError;
use rxrx_storage::{StoreError, Unreachable};

use crate::journal::JournalError;

/// Cause that kept units from being stored.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PipelineError {
    /// An image could not be read, and the run is strict.
    #[error("cannot read image {path}")]
    UnreadableImage {
        /// Path inside INPUT.
        path: String,
        /// The error of the source.
        source: ReadError,
    },
    /// INPUT as a whole cannot be read any more.
    #[error("cannot read INPUT any more, at image {path}")]
    Source {
        /// Path inside INPUT.
        path: String,
        /// The error of the store.
        source: Unreachable,
    },
    /// An image could not be decoded, and the run is strict.
    #[error("cannot decode image {path}")]
    CorruptImage {
        /// Path inside INPUT.
        path: String,
        /// Fault of the image.
        source: DecodeError,
    },
    /// The first images of the run all fail for one cause.
    #[error(
        "the first {count} images all fail alike, and so would the rest; the last of them is \
         {path}: {error}. Repair them, or leave out their experiment with --exclude"
    )]
    AllAlike {
        /// Number of images.
        count: usize,
        /// Path of the last one inside INPUT.
        path: String,
        /// Its fault.
        error: String,
    },
    /// A chunk could not be encoded.
    #[error(transparent)]
    Codec(#[from] CodecError),
    /// A shard or its record could not be stored.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A record could not be encoded: a defect of the program.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The system gives no thread.
    #[error(
        "cannot start the threads of the run: allow more of them (ulimit -u, or the limit of the \
         container), or use fewer --jobs; then the same command goes on"
    )]
    Thread {
        /// The error of the operating system.
        source: io::Error,
    },
    /// The program contradicts itself; nothing of the unit is recorded.
    #[error("defect of the program: shard {key} {reason}")]
    Defect {
        /// Key of the shard.
        key: String,
        /// The contradiction.
        reason: &'static str,
    },
}
