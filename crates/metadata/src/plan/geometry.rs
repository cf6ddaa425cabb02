//! Shapes of the array, its chunks and its shards.

use serde::{Deserialize, Serialize};

use super::error::PlanError;
use super::unit::Unit;

/// Most chunks in a shard. A reader fetches their index, 16 bytes each, before it
/// reads the first of them.
const CHUNKS_AT_MOST: usize = 1 << 20;

/// Sizes that are tried for the advice in an error; useful sizes are smaller.
const SEARCHED: usize = 1 << 20;

/// Type of a pixel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DataType {
    /// 8 bits.
    UInt8,
    /// 16 bits.
    UInt16,
}

impl DataType {
    /// Bytes of a pixel.
    pub fn bytes(self) -> usize {
        match self {
            Self::UInt8 => 1,
            Self::UInt16 => 2,
        }
    }

    /// The largest pixel.
    pub fn max_value(self) -> u16 {
        match self {
            Self::UInt8 => u8::MAX.into(),
            Self::UInt16 => u16::MAX,
        }
    }
}

/// Sizes of chunks and shards. By default a chunk is one site.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Layout {
    /// Sites in a chunk.
    pub chunk_sites: usize,
    /// Channels in a chunk; `None` means all.
    pub chunk_channels: Option<usize>,
    /// Sites in a shard, a multiple of the sites in a chunk.
    pub shard_sites: usize,
}

impl Default for Layout {
    fn default() -> Self {
        Self {
            chunk_sites: 1,
            chunk_channels: None,
            shard_sites: 64,
        }
    }
}

/// Sizes of the array of images, its chunks and its shards. Axes are always in
/// the order site, channel, y, x.
///
/// Chunks and shards keep their full shape at the ends of the axes; positions
/// beyond the array hold the fill value.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct ArrayGeometry {
    /// Sites in the array.
    pub sites: usize,
    /// Channels in the array.
    pub channels: usize,
    /// Rows of pixels in a plane.
    pub height: usize,
    /// Columns of pixels in a plane.
    pub width: usize,
    /// Type of a pixel.
    pub data_type: DataType,
    /// Sites in a chunk.
    pub chunk_sites: usize,
    /// Channels in a chunk.
    pub chunk_channels: usize,
    /// Sites in a shard.
    pub shard_sites: usize,
    /// Channels in a shard: whole chunks that cover all channels.
    pub shard_channels: usize,
}

impl ArrayGeometry {
    /// Applies a layout to an array.
    ///
    /// # Errors
    /// A size is zero, chunks do not fit shards or channels, or the array is
    /// too large to be addressed.
    pub fn new(
        sites: usize,
        channels: usize,
        height: usize,
        width: usize,
        data_type: DataType,
        layout: Layout,
    ) -> Result<Self, PlanError> {
        let Layout {
            chunk_sites,
            chunk_channels,
            shard_sites,
        } = layout;
        let chunk_channels = chunk_channels.unwrap_or(channels);
        refuse_zeros([
            (sites, "the number of sites"),
            (channels, "the number of channels"),
            (height, "the height of the images"),
            (width, "the width of the images"),
            (chunk_sites, "the number of sites in a chunk"),
            (chunk_channels, "the number of channels in a chunk"),
            (shard_sites, "the number of sites in a shard"),
        ])?;
        if chunk_channels > channels {
            return Err(PlanError::ChunkBeyondChannels {
                chunk_channels,
                channels,
            });
        }
        if !shard_sites.is_multiple_of(chunk_sites) {
            return Err(chunks_do_not_fill_shard(chunk_sites, shard_sites));
        }
        let geometry = Self {
            sites,
            channels,
            height,
            width,
            data_type,
            chunk_sites,
            chunk_channels,
            shard_sites,
            shard_channels: channels.next_multiple_of(chunk_channels),
        };
        geometry.refuse_large()?;
        Ok(geometry)
    }

    /// Refuses sizes that cannot be addressed, and shards of too many chunks.
    fn refuse_large(&self) -> Result<(), PlanError> {
        for (shape, what) in [(self.shape(), "the array"), (self.shard_shape(), "a shard")] {
            let bytes = shape
                .into_iter()
                .try_fold(self.data_type.bytes(), usize::checked_mul);
            if bytes.is_none_or(|bytes| isize::try_from(bytes).is_err()) {
                return Err(PlanError::TooLarge { what });
            }
        }
        let chunks = self.chunks_per_shard();
        if chunks > CHUNKS_AT_MOST {
            return Err(PlanError::TooManyChunks {
                chunks,
                limit: CHUNKS_AT_MOST,
            });
        }
        Ok(())
    }

    /// Shape of the array.
    pub fn shape(&self) -> [usize; 4] {
        [self.sites, self.channels, self.height, self.width]
    }

    /// Shape of a chunk, the part that a reader decodes at once.
    pub fn chunk_shape(&self) -> [usize; 4] {
        [
            self.chunk_sites,
            self.chunk_channels,
            self.height,
            self.width,
        ]
    }

    /// Shape of a shard, the part that is stored as one object.
    pub fn shard_shape(&self) -> [usize; 4] {
        [
            self.shard_sites,
            self.shard_channels,
            self.height,
            self.width,
        ]
    }

    /// Number of shards, all along the first axis.
    pub fn shards(&self) -> usize {
        self.sites.div_ceil(self.shard_sites)
    }

    /// Chunks in a full shard.
    pub fn chunks_per_shard(&self) -> usize {
        (self.shard_sites / self.chunk_sites) * (self.shard_channels / self.chunk_channels)
    }

    /// Number of planes, with or without an image.
    pub fn planes(&self) -> usize {
        self.sites * self.channels
    }

    /// Bytes of a plane.
    pub fn plane_bytes(&self) -> usize {
        self.height * self.width * self.data_type.bytes()
    }

    /// Bytes of a decoded chunk.
    pub fn chunk_bytes(&self) -> usize {
        self.chunk_sites * self.chunk_channels * self.plane_bytes()
    }

    /// Bytes of the whole array, uncompressed.
    pub fn raw_bytes(&self) -> u64 {
        self.planes() as u64 * self.plane_bytes() as u64
    }

    /// The unit of one shard. It has no sites if there is no such shard.
    pub fn unit(&self, shard: usize) -> Unit {
        let start = shard.saturating_mul(self.shard_sites).min(self.sites);
        Unit {
            shard,
            sites: start..start.saturating_add(self.shard_sites).min(self.sites),
        }
    }
}

/// Refuses sizes of 0; each is given with its name.
fn refuse_zeros<const N: usize>(sizes: [(usize, &'static str); N]) -> Result<(), PlanError> {
    let zero = sizes.into_iter().find(|(size, _)| *size == 0);
    match zero {
        Some((_, what)) => Err(PlanError::Zero { what }),
        None => Ok(()),
    }
}

/// Returns the error with the nearest sizes that are possible.
fn chunks_do_not_fill_shard(chunk_sites: usize, shard_sites: usize) -> PlanError {
    let below = shard_sites - shard_sites % chunk_sites;
    let shards = [
        Some(below).filter(|&size| size > 0),
        below.checked_add(chunk_sites),
    ];
    let divides = |size: &usize| shard_sites.is_multiple_of(*size);
    let smaller = (1..=shard_sites.min(chunk_sites - 1)).rev();
    let larger = chunk_sites + 1..=shard_sites;
    let chunks = [
        smaller.take(SEARCHED).find(divides),
        larger.take(SEARCHED).find(divides),
    ];
    PlanError::ChunksDoNotFillShard {
        chunk_sites,
        shard_sites,
        shards: shards.into_iter().flatten().collect(),
        chunks: chunks.into_iter().flatten().collect(),
    }
}
