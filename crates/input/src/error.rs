//! Errors of planning an INPUT.

use std::io;

use rxrx_metadata::{DiscoverError, JoinError, MetadataError, PlanError, SelectionError};
use rxrx_storage::{Location, StoreError};

use crate::zip::ArchiveError;

/// INPUT cannot be planned.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PlanInputError {
    /// INPUT could not be listed, or holds no metadata table.
    #[error(transparent)]
    Discover(#[from] DiscoverError),
    /// INPUT is an archive that cannot be used.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// The table in an archive or a bucket is too large to be read there.
    #[error(
        "{place} is too large to be read beside the images; unpack it, and give it with --metadata"
    )]
    TableTooLarge {
        /// The table.
        place: Location,
    },
    /// The store of an address cannot be reached, read or listed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There is nothing at an address.
    #[error("there is nothing at {location}, neither a file nor a folder")]
    Absent {
        /// The address.
        location: Location,
    },
    /// The images cannot be read, not only one of them.
    #[error("cannot read the images of {input}")]
    Images {
        /// The folder or archive.
        input: Location,
        /// What the store said.
        source: io::Error,
    },
    /// The metadata table is not readable.
    #[error(transparent)]
    Metadata(#[from] MetadataError),
    /// The table of embeddings cannot be used.
    #[error("cannot use the embeddings")]
    Embeddings(#[source] MetadataError),
    /// `--include` or `--exclude` make no sense for this table.
    #[error(transparent)]
    Selection(#[from] SelectionError),
    /// Table and images do not fit together.
    #[error(transparent)]
    Join(#[from] JoinError),
    /// The layout does not fit the data.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// Not one of the images has a readable header.
    #[error(
        "none of the {surveyed} images that were looked at is a readable PNG, for example {example}"
    )]
    NoReadableImage {
        /// How many were looked at.
        surveyed: usize,
        /// One of them, and what is wrong with it.
        example: String,
    },
}
