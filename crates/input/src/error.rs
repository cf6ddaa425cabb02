//! Errors of planning INPUT.

use rxrx_metadata::{
    DiscoverError, JoinError, MetadataError, NamesError, PlanError, SelectionError,
};
use rxrx_storage::{Location, LocationError, StoreError, Unreachable};

use crate::read_error::ReadError;
use crate::zip::error::ArchiveError;

/// Reason why INPUT cannot be planned.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PlanInputError {
    /// INPUT could not be listed, or holds no metadata table.
    #[error(transparent)]
    Discover(#[from] DiscoverError),
    /// INPUT is an archive that cannot be used.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// The table in an archive or a bucket cannot be read.
    #[error("cannot read {location}")]
    Table {
        /// The table.
        location: Location,
        /// The error of the source.
        source: Box<ReadError>,
    },
    /// The table in an archive or a bucket is too large to be read there.
    #[error(
        "{location} is too large to be read beside the images; unpack it, and give it with --metadata"
    )]
    TableTooLarge {
        /// The table.
        location: Location,
    },
    /// The store of an address cannot be reached, read or listed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No object exists at or below an address.
    #[error("there is nothing at {location}, neither a file nor a folder")]
    Absent {
        /// The address.
        location: Location,
    },
    /// No image can be read, because the store cannot be reached.
    #[error("cannot read the images of {input}")]
    Images {
        /// The folder or archive.
        input: Location,
        /// The error of the store.
        source: Unreachable,
    },
    /// The metadata table is not readable.
    #[error(transparent)]
    Metadata(Box<MetadataError>),
    /// The table of embeddings cannot be used.
    #[error("cannot use the embeddings")]
    Embeddings(#[source] Box<MetadataError>),
    /// The paths in the table are no addresses that can be used.
    #[error(transparent)]
    Location(LocationError),
    /// The names of the images cannot be read as wanted.
    #[error(transparent)]
    Names(#[from] NamesError),
    /// `--include` or `--exclude` do not fit this table.
    #[error(transparent)]
    Selection(#[from] SelectionError),
    /// The table and the images do not fit together.
    #[error(transparent)]
    Join(#[from] JoinError),
    /// The layout does not fit the data.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// No image has a readable header.
    #[error(
        "none of the {images} images that were looked at is a readable PNG, for example {example}"
    )]
    NoReadableImage {
        /// Number of images whose header was read.
        images: usize,
        /// One of them, and what is wrong with it.
        example: String,
    },
}

impl From<MetadataError> for PlanInputError {
    fn from(error: MetadataError) -> Self {
        Self::Metadata(Box::new(error))
    }
}
