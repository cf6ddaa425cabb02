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

/// Sizes of chunks and shards. What is not set follows from the bytes of the pixels:
///
/// - A chunk is one site with all channels if these have at most 8 MiB of pixels, else one
///   plane.
/// - Planes of more than 8 MiB are cut into tiles of 1024 x 1024 pixels.
/// - A shard has a power of two of chunks along the site axis: as many as have at most
///   1 GiB of pixels, and at most 64 sites.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Layout {
    /// Sites in a chunk.
    pub chunk_sites: usize,
    /// Channels in a chunk; `None` lets the bytes decide.
    pub chunk_channels: Option<usize>,
    /// How planes are cut.
    pub tiles: Tiles,
    /// Sites in a shard, a multiple of the sites in a chunk; `None` lets the bytes decide.
    pub shard_sites: Option<usize>,
}

/// How planes are cut into tiles.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
pub enum Tiles {
    /// The bytes of a plane decide.
    #[default]
    ByBytes,
    /// Planes are not cut.
    Whole,
    /// Tiles have at most so many pixels along y and along x.
    Of(usize),
}

impl Default for Layout {
    fn default() -> Self {
        Self {
            chunk_sites: 1,
            chunk_channels: None,
            tiles: Tiles::ByBytes,
            shard_sites: None,
        }
    }
}

/// Most bytes of pixels of a site that is one chunk, and of a plane that is not cut.
const CHUNK_BYTES: usize = 8 << 20;

/// Pixels of a tile along y and along x.
const TILE: usize = 1024;

/// Most bytes of pixels in a shard, unless a single chunk has more.
const SHARD_BYTES: usize = 1 << 30;

/// Most sites in a shard.
const SHARD_SITES: usize = 64;

/// Sizes of the array of images, its chunks and its shards. Axes are always in
/// the order site, channel, y, x.
///
/// Chunks and shards keep their full shape at the ends of the axes; positions
/// beyond the array hold the fill value.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
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
    /// Pixels of a tile along y and along x, fewer where an axis is shorter; `None` where
    /// planes are not cut.
    pub tile: Option<usize>,
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
        let plane_bytes = bytes_of(&[height, width, data_type.bytes()]);
        let Layout { chunk_sites, .. } = layout;
        let chunk_channels = layout.chunk_channels.unwrap_or_else(|| {
            let is_small = channels.saturating_mul(plane_bytes) <= CHUNK_BYTES;
            if is_small { channels } else { 1.min(channels) }
        });
        let tile = match layout.tiles {
            Tiles::ByBytes => (plane_bytes > CHUNK_BYTES).then_some(TILE),
            Tiles::Whole => None,
            Tiles::Of(tile) => Some(tile),
        };
        refuse_zeros([
            (sites, "the number of sites"),
            (channels, "the number of channels"),
            (height, "the height of the images"),
            (width, "the width of the images"),
            (chunk_sites, "the number of sites in a chunk"),
            (chunk_channels, "the number of channels in a chunk"),
            (tile.unwrap_or(1), "the size of a tile"),
            (
                layout.shard_sites.unwrap_or(1),
                "the number of sites in a shard",
            ),
        ])?;
        if chunk_channels > channels {
            return Err(PlanError::ChunkBeyondChannels {
                chunk_channels,
                channels,
            });
        }
        let mut geometry = Self {
            sites,
            channels,
            height,
            width,
            data_type,
            chunk_sites,
            chunk_channels,
            tile: tile.filter(|&tile| tile < height.max(width)),
            shard_sites: chunk_sites,
            shard_channels: channels.next_multiple_of(chunk_channels),
        };
        geometry.shard_sites = match layout.shard_sites {
            None => geometry.shard_sites_by_bytes(),
            Some(shard_sites) if shard_sites.is_multiple_of(chunk_sites) => shard_sites,
            Some(shard_sites) => return Err(chunks_do_not_fill_shard(chunk_sites, shard_sites)),
        };
        geometry.refuse_large()?;
        Ok(geometry)
    }

    /// Returns the sites of a shard of a power of two of chunks along the site axis, as
    /// many as the limits allow.
    fn shard_sites_by_bytes(&self) -> usize {
        let [_, channels, height, width] = self.shard_shape();
        let site_bytes = bytes_of(&[channels, height, width, self.data_type.bytes()]);
        let sites = (SHARD_BYTES / site_bytes.max(1)).min(SHARD_SITES);
        let chunks = (sites / self.chunk_sites).max(1);
        self.chunk_sites.saturating_mul(1 << chunks.ilog2())
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
            self.tile_height(),
            self.tile_width(),
        ]
    }

    /// Shape of a shard, the part that is stored as one object. Its planes have whole tiles.
    pub fn shard_shape(&self) -> [usize; 4] {
        let [rows, columns] = self.tile_grid();
        [
            self.shard_sites,
            self.shard_channels,
            self.tile_height().saturating_mul(rows),
            self.tile_width().saturating_mul(columns),
        ]
    }

    /// Rows of pixels in a tile; those of a plane where planes are not cut.
    pub fn tile_height(&self) -> usize {
        self.tile.map_or(self.height, |tile| tile.min(self.height))
    }

    /// Columns of pixels in a tile; those of a plane where planes are not cut.
    pub fn tile_width(&self) -> usize {
        self.tile.map_or(self.width, |tile| tile.min(self.width))
    }

    /// Numbers of tiles of a plane along y and along x.
    pub fn tile_grid(&self) -> [usize; 2] {
        let rows = self.height.div_ceil(self.tile_height());
        [rows, self.width.div_ceil(self.tile_width())]
    }

    /// Number of tiles of a plane: 1 where planes are not cut.
    pub fn tiles(&self) -> usize {
        let [rows, columns] = self.tile_grid();
        rows.saturating_mul(columns)
    }

    /// Number of shards, all along the first axis.
    pub fn shards(&self) -> usize {
        self.sites.div_ceil(self.shard_sites)
    }

    /// Chunks in a full shard.
    pub fn chunks_per_shard(&self) -> usize {
        let planes =
            (self.shard_sites / self.chunk_sites) * (self.shard_channels / self.chunk_channels);
        planes.saturating_mul(self.tiles())
    }

    /// Whether no two planes share a chunk: each is one chunk, or some tiles.
    pub fn has_plane_chunks(&self) -> bool {
        self.chunk_sites == 1 && self.chunk_channels == 1
    }

    /// Number of planes, with or without an image.
    pub fn planes(&self) -> usize {
        self.sites * self.channels
    }

    /// Pixels of a plane.
    pub fn plane_pixels(&self) -> u64 {
        (self.height as u64).saturating_mul(self.width as u64)
    }

    /// Bytes of a plane.
    pub fn plane_bytes(&self) -> usize {
        self.height * self.width * self.data_type.bytes()
    }

    /// Bytes of a tile: those of a plane where planes are not cut.
    pub fn tile_bytes(&self) -> usize {
        self.tile_height() * self.tile_width() * self.data_type.bytes()
    }

    /// Bytes of a decoded chunk.
    pub fn chunk_bytes(&self) -> usize {
        self.chunk_sites * self.chunk_channels * self.tile_bytes()
    }

    /// Bytes of the planes that a chunk, or its tile of them, belongs to.
    pub fn group_bytes(&self) -> usize {
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

/// Returns the product of some lengths, or the largest number.
fn bytes_of(lengths: &[usize]) -> usize {
    lengths
        .iter()
        .fold(1, |product: usize, &length| product.saturating_mul(length))
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
