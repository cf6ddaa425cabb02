//! Errors of OUTPUT.

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
    /// OUTPUT holds the dataset or the unfinished run of another conversion.
    #[error(
        "output {path} is {} of another conversion ({}): choose another output, or replace it with --overwrite",
        if *.sealed { "the complete dataset" } else { "the unfinished work" },
        .differences.join("; ")
    )]
    Different {
        /// OUTPUT.
        path: Location,
        /// True for a complete dataset, false for an unfinished run.
        sealed: bool,
        /// The differences between the conversions.
        differences: Vec<String>,
    },
    /// The lock cannot be taken, or is no longer held.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// OUTPUT has no dataset whose bad images could be converted again.
    #[error("output {path} is no dataset and no unfinished one: convert without --retry-bad")]
    NothingToRetry {
        /// OUTPUT.
        path: Location,
    },
    /// OUTPUT is no dataset of this program.
    #[error(
        "output {path} exists and is not a dataset of rxrx2zarr: choose another output, or remove it yourself"
    )]
    Foreign {
        /// OUTPUT.
        path: Location,
    },
    /// OUTPUT holds a publication that was interrupted, or is in progress.
    #[error(
        "output {path} holds the unfinished work of `rxrx2zarr publish`: finish that, choose \
         another output, or replace it with --overwrite"
    )]
    Unpublished {
        /// OUTPUT.
        path: Location,
    },
    /// The root is the marker of a dataset that is being replaced, and nothing says by
    /// which one.
    #[error(
        "output {path} was being replaced when its work folder was removed: replace it with \
         --overwrite"
    )]
    Marked {
        /// OUTPUT.
        path: Location,
    },
    /// The recorded state says that there is a complete dataset, which is not so.
    #[error(
        "output {path} was a complete dataset, and now {key} {problem}: replace it with --overwrite"
    )]
    NotWhole {
        /// OUTPUT.
        path: Location,
        /// The first object that is missing or damaged.
        key: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// An object of the dataset that is to replace the one at OUTPUT was removed or changed.
    #[error(
        "{key} in {folder} {problem}, so what is at the output was not replaced; run the same \
         command again: it makes that object once more"
    )]
    NewNotWhole {
        /// The run folder.
        folder: Location,
        /// The object.
        key: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// Another process changed an object, and the lock should have prevented that.
    #[error(
        "{object} was changed by another process while this one held the lock: see who else \
         writes there, and run the same command again"
    )]
    Changed {
        /// The object.
        object: Location,
    },
    /// A folder that was to be replaced holds a file that no conversion writes.
    #[error("{path} is not written by rxrx2zarr: move it away, or choose another output")]
    ForeignFile {
        /// The file or folder.
        path: Location,
    },
    /// One of OUTPUT and INPUT lies within the other.
    #[error("output {output} and input {input} must not contain each other: choose another output")]
    Overlap {
        /// OUTPUT.
        output: Location,
        /// INPUT.
        input: Location,
    },
    /// OUTPUT lies within a Zarr store.
    #[error(
        "output {output} lies within {dataset}, which is a Zarr store: choose an output outside it"
    )]
    Nested {
        /// OUTPUT.
        output: Location,
        /// The dataset, or the Zarr group or array.
        dataset: Location,
    },
    /// The journal cannot be used.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}
