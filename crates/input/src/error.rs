//! Errors of planning INPUT.

use rxrx_metadata::{
    DiscoverError, JoinError, MetadataError, NamesError, PlanError, SelectionError,
};
use rxrx_storage::{Location, LocationError, StoreError, Unreachable};

use crate::description::DescriptionError;
use crate::read_error::ReadError;
use crate::shards::error::ShardError;
use crate::tar::error::TarError;
use crate::zip::error::ArchiveError;

/// Reason why INPUT cannot be planned.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PlanInputError {
    /// The path or the address of INPUT is not in the stored plan.
    #[error(
        "the stored plan does not say where INPUT is, because its address has a query, which may be \
         a credential, or its path is no UTF-8: name it once more with --input"
    )]
    NotStored,
    /// INPUT could not be listed, or holds no metadata table.
    #[error(transparent)]
    Discover(#[from] DiscoverError),
    /// INPUT is an archive that cannot be used.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// INPUT is a tar that cannot be used.
    #[error(transparent)]
    Tar(#[from] TarError),
    /// Two INPUTs, or a folder and an archive in it, hold an image of the same path.
    #[error("both {first} and {second} hold {path}; leave one of them out")]
    SamePath {
        /// The path.
        path: String,
        /// The one that was given first.
        first: String,
        /// The other one.
        second: String,
    },
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
    /// The description in INPUT cannot be used.
    #[error(transparent)]
    Description(#[from] DescriptionError),
    /// No image can be read, because the store cannot be reached.
    #[error("cannot read the images of {input}")]
    Images {
        /// The folders or archives.
        input: String,
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
    /// All images are coloured.
    #[error(
        "the {images} images that were looked at are {colour} images whose channels differ, for \
         example {example}; a plane is one channel in grey. RxRx1 in that form (WILDS) has three \
         of six channels: all six are in the release, \
         https://storage.googleapis.com/rxrx/rxrx1/rxrx1-images.zip"
    )]
    Coloured {
        /// Their colour type, such as `8-bit RGB`.
        colour: &'static str,
        /// Number of images whose header says so.
        images: usize,
        /// One of them, and its first coloured pixel.
        example: String,
    },
    /// All of the images that were decoded fail for one cause.
    #[error(
        "all of the {images} images that were decoded as a sample fail alike, for example {example}"
    )]
    AllAlike {
        /// Number of images.
        images: usize,
        /// One of them, and what is wrong with it.
        example: String,
    },
    /// A Parquet file of images cannot be used.
    #[error(transparent)]
    Shard(#[from] ShardError),
    /// No image has a readable header.
    #[error(
        "none of the {images} images that were looked at has a header that can be read, for example {example}"
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
