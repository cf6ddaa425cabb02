//! What will be written where: the join cut into units of work.

mod geometry;
#[cfg(test)]
mod tests;

use std::ops::Range;

use serde::{Deserialize, Serialize};
use thiserror::Error;

pub use geometry::{ArrayGeometry, DataType, Layout};

use crate::{Channel, Join, MetadataTable, Problems, SiteIndex};

/// Why there is no array of that layout.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PlanError {
    /// Something that must be at least 1 is 0.
    #[error("{what} is 0 (expected at least 1)")]
    Zero {
        /// What is 0.
        what: &'static str,
    },
    /// Shards hold whole chunks.
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
        /// The nearest sizes of a shard that would do.
        shards: Vec<usize>,
        /// The nearest sizes of a chunk that would do.
        chunks: Vec<usize>,
    },
    /// The chunk would reach past the last channel.
    #[error(
        "a chunk of {chunk_channels} channels is larger than the {channels} channels of the images"
    )]
    ChunkBeyondChannels {
        /// Channels in a chunk.
        chunk_channels: usize,
        /// Channels of the images.
        channels: usize,
    },
    /// The index of a shard would be larger than most shards.
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
    /// This machine cannot count the bytes.
    #[error("{what} would have more bytes than this machine can address")]
    TooLarge {
        /// What is too large.
        what: &'static str,
    },
}

impl PlanError {
    /// Whether the wanted layout is at fault rather than the data.
    pub fn is_layout(&self) -> bool {
        matches!(
            self,
            Self::ChunksDoNotFillShard { .. }
                | Self::ChunkBeyondChannels { .. }
                | Self::TooManyChunks { .. }
        )
    }
}

/// One shard's work: the only writer of one stored object.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Unit {
    /// Position of the shard along the first axis.
    pub shard: usize,
    /// The sites that it holds; fewer than the others in the last unit.
    pub sites: Range<usize>,
}

/// Everything that a conversion needs to know before it decodes a pixel.
#[derive(Clone, Debug)]
pub struct Plan {
    join: Join,
    geometry: ArrayGeometry,
}

impl Plan {
    /// Plans an array of planes of `height` × `width` pixels.
    ///
    /// # Errors
    /// A size is zero, chunks do not fit shards or channels, or the array is
    /// too large to be addressed.
    pub fn new(
        join: Join,
        height: usize,
        width: usize,
        data_type: DataType,
        layout: Layout,
    ) -> Result<Self, PlanError> {
        let (sites, channels) = (join.table().len(), join.channels.len());
        let geometry = ArrayGeometry::new(sites, channels, height, width, data_type, layout)?;
        Ok(Self { join, geometry })
    }

    /// Shape, chunks and shards of the array.
    pub fn geometry(&self) -> &ArrayGeometry {
        &self.geometry
    }

    /// The rows of the array.
    pub fn table(&self) -> &MetadataTable {
        self.join.table()
    }

    /// The channels of the array.
    pub fn channels(&self) -> &[Channel] {
        &self.join.channels
    }

    /// The units in the order of their shards. Together they cover each site
    /// once.
    pub fn units(&self) -> impl ExactSizeIterator<Item = Unit> + '_ {
        (0..self.geometry.shards()).map(|shard| self.geometry.unit(shard))
    }

    /// The unit of one shard, if there is such a shard.
    pub fn unit(&self, shard: usize) -> Option<Unit> {
        (shard < self.geometry.shards()).then(|| self.geometry.unit(shard))
    }

    /// Path of the image of one plane; `None` where there is no image or no
    /// such plane.
    pub fn source(&self, site: SiteIndex, channel_position: usize) -> Option<String> {
        self.join.source(site, channel_position)
    }

    /// What does not fit.
    pub fn problems(&self) -> &Problems {
        self.join.problems()
    }

    /// For adding what is found by looking into the images.
    pub fn problems_mut(&mut self) -> &mut Problems {
        self.join.problems_mut()
    }

    /// Number of planes that have an image.
    pub fn present_planes(&self) -> usize {
        self.join.present_planes()
    }

    /// Number of planes that have none.
    pub fn missing_planes(&self) -> usize {
        self.join.missing_planes()
    }
}

fn either(sizes: &[usize]) -> String {
    sizes
        .iter()
        .map(usize::to_string)
        .collect::<Vec<_>>()
        .join(" or ")
}
