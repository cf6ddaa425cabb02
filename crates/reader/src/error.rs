//! Errors of datasets that are opened.

use rxrx_format::keys::ROOT_METADATA;
use rxrx_format::{FORMAT_VERSION, OLDEST_FORMAT_VERSION};
use rxrx_storage::StoreError;

/// A dataset could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DatasetError {
    /// There is no root metadata.
    #[error(
        "{dataset} is not a complete dataset: it has no {ROOT_METADATA}, which is written last \
         (an unfinished conversion, or not a dataset of rxrx2zarr)"
    )]
    NotSealed {
        /// The dataset, as given.
        dataset: String,
    },
    /// The root metadata is not what this program writes.
    #[error("{dataset}: {ROOT_METADATA} is not metadata of rxrx2zarr: {reason}")]
    Foreign {
        /// The dataset, as given.
        dataset: String,
        /// What is wrong.
        reason: String,
    },
    /// The dataset has a format that this version of the program does not know.
    #[error(
        "{dataset} has format {found}, and this version of rxrx2zarr reads formats \
         {OLDEST_FORMAT_VERSION} to {FORMAT_VERSION}: use {} version",
        if *.found > FORMAT_VERSION { "a newer" } else { "an older" }
    )]
    Version {
        /// The dataset, as given.
        dataset: String,
        /// Its format.
        found: u32,
    },
    /// The dataset could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}
