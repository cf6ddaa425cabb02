//! Errors of the plan.

use thiserror::Error;

/// Reason why an array cannot have the wanted layout.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PlanError {
    /// A size that must be at least 1 is 0.
    #[error("{what} is 0 (expected at least 1)")]
    Zero {
        /// The size that is 0.
        what: &'static str,
    },
    /// The shard does not hold whole chunks.
    #[error(
        "a shard of {shard_sites} sites does not hold whole chunks of {chunk_sites} sites; \
         make the shard {}, or the chunk {}",
        either(shards),
        either(chunks)
    )]
    ChunksDoNotFillShard {
        /// Sites in a chunk.
        chunk_sites: usize,
        /// Sites in a shard.
        shard_sites: usize,
        /// The nearest sizes of a shard that are possible.
        shards: Vec<usize>,
        /// The nearest sizes of a chunk that are possible.
        chunks: Vec<usize>,
    },
    /// A chunk has more channels than the images.
    #[error(
        "a chunk of {chunk_channels} channels is larger than the {channels} channels of the images"
    )]
    ChunkBeyondChannels {
        /// Channels in a chunk.
        chunk_channels: usize,
        /// Channels of the images.
        channels: usize,
    },
    /// A shard has more chunks than a useful index can list.
    #[error(
        "a shard of {chunks} chunks is too large (expected at most {limit}); make the shard smaller, \
         or the chunks larger"
    )]
    TooManyChunks {
        /// Chunks in a shard.
        chunks: usize,
        /// Most chunks.
        limit: usize,
    },
    /// The number of bytes does not fit an address of this machine.
    #[error("{what} would have more bytes than this machine can address")]
    TooLarge {
        /// The array or the shard.
        what: &'static str,
    },
}

impl PlanError {
    /// Whether the wanted layout causes the error, not the data.
    pub fn is_layout(&self) -> bool {
        matches!(
            self,
            Self::ChunksDoNotFillShard { .. }
                | Self::ChunkBeyondChannels { .. }
                | Self::TooManyChunks { .. }
        )
    }
}

/// Joins sizes for a message.
fn either(sizes: &[usize]) -> String {
    sizes
        .iter()
        .map(usize::to_string)
        .collect::<Vec<_>>()
        .join(" or ")
}
