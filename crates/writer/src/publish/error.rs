//! The error of a publication.

use rxrx_reader::DatasetError;
use rxrx_storage::{Location, StoreError};

use crate::journal::JournalError;
use crate::output::OutputError;

/// A dataset could not be published. At the address there is no dataset, or the one
/// that was there before.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PublishError {
    /// The source is not sealed, or not a dataset of this program.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
    /// The address is a folder.
    #[error("{path} is a folder: publish to an address such as s3://bucket/name, or copy by cp -r")]
    Folder {
        /// The folder.
        path: Location,
    },
    /// An object of the dataset is damaged.
    #[error("{dataset} is damaged: {key} {problem}; see `rxrx2zarr verify`")]
    Damaged {
        /// The dataset.
        dataset: String,
        /// The object.
        key: String,
        /// The problem of the object.
        problem: String,
    },
    /// The address holds another dataset or unfinished work.
    #[error("{place} holds {what}: choose another address, or replace it with --overwrite")]
    Occupied {
        /// The address.
        place: Location,
        /// The content of the address.
        what: &'static str,
    },
    /// An object was put, and is absent or has other bytes.
    #[error("{place}: {key} was put and {problem}: publish again")]
    NotStored {
        /// The address.
        place: Location,
        /// The object.
        key: String,
        /// The problem of the object.
        problem: String,
    },
    /// The address cannot be written.
    #[error(transparent)]
    Output(#[from] OutputError),
    /// The journal beside it cannot be written.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// A store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}
