//! Errors of Parquet files with images.

use parquet::errors::ParquetError;

use crate::read_error::ReadError;

/// Reason why a Parquet file of images cannot be used at all.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ShardError {
    /// The file cannot be opened or read.
    #[error("cannot read {shard}")]
    Read {
        /// The file.
        shard: String,
        /// The error of the file system or the store.
        source: ReadError,
    },
    /// The file is not Parquet, or its footer or its column of names is damaged.
    #[error("{shard} is no Parquet file, or it is damaged; get it again")]
    Damaged {
        /// The file.
        shard: String,
        /// The error of the parser.
        source: ParquetError,
    },
    /// The file has no column of images.
    #[error(
        "{shard} has no column of images: one of type binary, or a struct of `bytes` and `path`; \
         its columns are {columns}"
    )]
    NoImages {
        /// The file.
        shard: String,
        /// The names of its columns.
        columns: String,
    },
    /// The file has several columns of images.
    #[error(
        "{shard} has several columns of images ({columns}): which of them are planes is not clear; \
         write one image a row"
    )]
    SeveralImages {
        /// The file.
        shard: String,
        /// The names of the columns.
        columns: String,
    },
    /// Nothing in the file names its images.
    #[error(
        "the images of {shard} have no names: it needs a column `__key__` or `path`, or the field \
         `path` in the column of images, such as HUVEC-1/Plate1/B02_s1_w1.png"
    )]
    NoNames {
        /// The file.
        shard: String,
    },
    /// A row group has more images than are read at once.
    #[error(
        "row group {group} of {shard} has {bytes} bytes of images, and at most 1 GiB is read at \
         once; write it with fewer rows a group"
    )]
    LargeGroup {
        /// The file.
        shard: String,
        /// Position of the row group, from 0.
        group: usize,
        /// Its bytes of images.
        bytes: u64,
    },
    /// There are more images, or longer names, than fit in memory.
    #[error("the Parquet files of INPUT have more than 16 million images or 1 GiB of names")]
    TooLarge,
}
