//! The error of a seal.

use rxrx_format::{LabelError, TableError};
use rxrx_storage::StoreError;

use crate::journal::{JournalError, RecordedError};
use crate::output::LostObject;

/// A dataset could not be sealed. Everything stored so far is kept.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SealError {
    /// The record of a unit in the journal is not the one that was written.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The record of a unit cannot be made from the tables of the dataset.
    #[error(transparent)]
    Recorded(#[from] RecordedError),
    /// A label array could not be built.
    #[error(transparent)]
    Label(#[from] LabelError),
    /// A table could not be built.
    #[error(transparent)]
    Table(#[from] TableError),
    /// A metadata document could not be encoded.
    #[error("cannot encode {object}")]
    Json {
        /// The object's key.
        object: String,
        /// What the encoder said.
        source: serde_json::Error,
    },
    /// An object was removed or changed by another program.
    #[error(transparent)]
    Lost(#[from] LostObject),
    /// An object could not be stored.
    #[error(transparent)]
    Store(#[from] StoreError),
}
