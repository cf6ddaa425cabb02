//! The error of a verification.

use std::io;

use rxrx_reader::DatasetError;
use rxrx_storage::{StoreError, Unreachable};

use crate::memory_limit::TooLittleMemory;

/// The dataset cannot be verified at all.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// It is not sealed, or not a dataset of this program.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
    /// It cannot be listed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Not even one chunk fits into the memory that is allowed.
    #[error(transparent)]
    Memory(#[from] TooLittleMemory),
    /// The system gives no thread.
    #[error(
        "cannot start the threads of the verification: allow more of them (ulimit -u, or the \
         limit of the container), or use fewer --jobs"
    )]
    Thread {
        /// The error of the operating system.
        source: io::Error,
    },
    /// The dataset lies where no store has checksums of its own.
    #[error(
        "{dataset} is on a disk, which has no checksums of its own: verify it without --no-download"
    )]
    NoStoreChecksums {
        /// The dataset.
        dataset: String,
    },
    /// The source cannot be read any more.
    #[error("cannot read the source {input} any more")]
    Source {
        /// The source.
        input: String,
        /// The error of the store.
        source: Unreachable,
    },
}
