//! Errors of datasets that are opened and read.

use rxrx_format::keys::{CHECKSUMS, ROOT_METADATA, SITES};
use rxrx_format::{
    ChunkDecodeError, CodecError, FORMAT_VERSION, OLDEST_FORMAT_VERSION, ReadTableError,
    SelectionError, ShardIndexError,
};
use rxrx_storage::StoreError;

/// A dataset could not be opened, or a part of it could not be read.
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
    /// Another dataset takes its place at this moment, or an interrupted run has begun to
    /// put it there.
    #[error(
        "{dataset} is being replaced, and no reader can open it until that is done: if no \
         process is at it, run the command that replaces it again"
    )]
    Switching {
        /// The dataset, as given.
        dataset: String,
    },
    /// The root metadata is not what this program writes.
    #[error("{dataset}: {ROOT_METADATA} is not metadata of rxrx2zarr: {reason}")]
    Foreign {
        /// The dataset, as given.
        dataset: String,
        /// The part that is wrong.
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
    /// The chunks of the dataset are larger than a codec can decode.
    #[error("the chunks of {dataset} cannot be decoded")]
    Codec {
        /// The dataset, as given.
        dataset: String,
        /// The limit.
        source: CodecError,
    },
    /// The store failed, or an object of the dataset is too short.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The dataset was replaced since it was opened.
    #[error("{dataset} was replaced since it was opened, found at {object}: open it again")]
    Replaced {
        /// The dataset, as given.
        dataset: String,
        /// The object that was read.
        object: String,
    },
    /// An object of the dataset does not exist.
    #[error(
        "{dataset} has no {object}, so it is not complete any more: `verify` tells what is missing"
    )]
    Missing {
        /// The dataset, as given.
        dataset: String,
        /// Key of the object.
        object: String,
    },
    /// The dataset has no overviews.
    #[error(
        "{dataset} has no overviews: it was made by an earlier version of rxrx2zarr. Read the \
         images, or convert again"
    )]
    NoOverview {
        /// The dataset, as given.
        dataset: String,
    },
    /// A table cannot be read.
    #[error("cannot read a table of {dataset}")]
    Table {
        /// The dataset, as given.
        dataset: String,
        /// The table and its fault.
        source: ReadTableError,
    },
    /// The clauses choose no sites, or cannot be understood.
    #[error(transparent)]
    Selection(#[from] SelectionError),
    /// A line of the list of checksums is not a checksum and a key.
    #[error("{dataset}: line {line} of {CHECKSUMS} is not a SHA-256 and a key")]
    Checksums {
        /// The dataset, as given.
        dataset: String,
        /// The line, from 1.
        line: usize,
    },
    /// The table of sites states an impossible byte range.
    #[error("{dataset}: {SITES} places site {site} at {place}: {reason}")]
    Place {
        /// The dataset, as given.
        dataset: String,
        /// The site, from 0.
        site: usize,
        /// Object and bytes, as the table states them.
        place: String,
        /// The contradiction.
        reason: String,
    },
    /// The index of a shard is damaged.
    #[error("{dataset}: the index of {object} is damaged")]
    Index {
        /// The dataset, as given.
        dataset: String,
        /// Key of the shard.
        object: String,
        /// The damage.
        source: ShardIndexError,
    },
    /// The index of a shard has no usable bytes for a chunk inside the array.
    #[error(
        "{dataset}: the index of {object} has no chunk for site {site}, channel {channel}: {reason}"
    )]
    NoChunk {
        /// The dataset, as given.
        dataset: String,
        /// Key of the shard.
        object: String,
        /// First site of the chunk, from 0.
        site: usize,
        /// First channel of the chunk, from 0.
        channel: usize,
        /// The entry of the index.
        reason: String,
    },
    /// A chunk is damaged.
    #[error("{dataset}: the chunk of site {site}, channel {channel} in {object} is damaged")]
    Chunk {
        /// The dataset, as given.
        dataset: String,
        /// Key of the shard.
        object: String,
        /// First site of the chunk, from 0.
        site: usize,
        /// First channel of the chunk, from 0.
        channel: usize,
        /// The damage.
        source: ChunkDecodeError,
    },
    /// A position lies outside the array.
    #[error("{dataset} has no {axis} {position}: it has {length}, counted from 0")]
    OutOfRange {
        /// The dataset, as given.
        dataset: String,
        /// `site` or `channel`.
        axis: &'static str,
        /// The position that was asked for.
        position: usize,
        /// Length of the axis.
        length: usize,
    },
    /// There is no site or channel of that name.
    #[error("{dataset} has no {axis} {name:?}: {advice}")]
    UnknownName {
        /// The dataset, as given.
        dataset: String,
        /// `site` or `channel`.
        axis: &'static str,
        /// The name that was asked for.
        name: String,
        /// Where to find the names that exist.
        advice: String,
    },
    /// The pixels that were asked for do not fit into memory.
    #[error("{sites} sites of {dataset} do not fit into memory: read fewer at once")]
    TooLarge {
        /// The dataset, as given.
        dataset: String,
        /// Number of sites.
        sites: usize,
    },
    /// The buffer of the caller has another length than the pixels.
    #[error("the buffer has {actual} bytes, and the pixels of the batch have {expected}")]
    BufferLength {
        /// Bytes of the pixels.
        expected: usize,
        /// Bytes of the buffer.
        actual: usize,
    },
}

/// The kind of a [`DatasetError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DatasetErrorKind {
    /// There is no dataset, or none that this version of the program reads.
    NotADataset,
    /// The caller asked for a site, a channel or overviews that do not exist, or for more
    /// pixels than fit into memory.
    Usage,
    /// An object is missing, damaged or contradicts another one.
    Damaged,
    /// Another dataset has taken its place since it was opened.
    Replaced,
    /// The store failed or cannot be reached.
    Store,
}

impl DatasetError {
    /// The kind of the error.
    pub fn error_kind(&self) -> DatasetErrorKind {
        match self {
            Self::NotSealed { .. }
            | Self::Switching { .. }
            | Self::Foreign { .. }
            | Self::Version { .. }
            | Self::Codec { .. } => DatasetErrorKind::NotADataset,
            Self::Store(_) => DatasetErrorKind::Store,
            Self::Replaced { .. } => DatasetErrorKind::Replaced,
            Self::Missing { .. }
            | Self::Table { .. }
            | Self::Checksums { .. }
            | Self::Place { .. }
            | Self::Index { .. }
            | Self::NoChunk { .. }
            | Self::Chunk { .. } => DatasetErrorKind::Damaged,
            Self::OutOfRange { .. }
            | Self::Selection(_)
            | Self::UnknownName { .. }
            | Self::NoOverview { .. }
            | Self::TooLarge { .. }
            | Self::BufferLength { .. } => DatasetErrorKind::Usage,
        }
    }
}
