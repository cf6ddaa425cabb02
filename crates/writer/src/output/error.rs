//! Errors of OUTPUT.

use std::io;
use std::path::PathBuf;

use rxrx_storage::{Location, LockError, StoreError};

use crate::journal::JournalError;

/// OUTPUT cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OutputError {
    /// OUTPUT has no name of its own, such as `/` or `..`.
    #[error("output {path} cannot be used: name a folder to create")]
    NoName {
        /// OUTPUT.
        path: Location,
    },
    /// OUTPUT holds, or began as, the outcome of another conversion.
    #[error(
        "output {path} is {} of another conversion ({}): choose another output, or replace it with --overwrite",
        if *.sealed { "the complete dataset" } else { "the unfinished work" },
        .differences.join("; ")
    )]
    Different {
        /// OUTPUT.
        path: Location,
        /// Whether it is complete.
        sealed: bool,
        /// What differs.
        differences: Vec<String>,
    },
    /// The lock cannot be taken, or is no longer held.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// There is nothing at OUTPUT whose bad images could be tried again.
    #[error("output {path} is no dataset and no unfinished one: convert without --retry-bad")]
    NothingToRetry {
        /// OUTPUT.
        path: Location,
    },
    /// OUTPUT holds something that is not ours to replace.
    #[error(
        "output {path} exists and is not a dataset of rxrx2zarr: choose another output, or remove it yourself"
    )]
    Foreign {
        /// OUTPUT.
        path: Location,
    },
    /// A folder that was to be replaced holds something that is not ours.
    #[error("{path} is not written by rxrx2zarr: move it away, or choose another output")]
    ForeignFile {
        /// The entry that no conversion writes.
        path: Location,
    },
    /// OUTPUT and INPUT lie one within the other.
    #[error(
        "output {output} and input {input} must not lie one within the other: choose another output"
    )]
    Overlap {
        /// OUTPUT.
        output: Location,
        /// INPUT.
        input: Location,
    },
    /// The journal cannot be used.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The file system refused.
    #[error("cannot {action} {path}")]
    Io {
        /// What was being done, as a verb.
        action: &'static str,
        /// To what.
        path: PathBuf,
        /// What the file system said.
        source: io::Error,
    },
}
