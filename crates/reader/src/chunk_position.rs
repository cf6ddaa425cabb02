//! Positions of chunks in the image array.

use rxrx_format::{ArrayGeometry, channel_chunks};

/// A chunk of the image array, by its position in the grid of all chunks; where planes are
/// cut, all tiles of the same planes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ChunkPosition {
    /// Position along the site axis, in chunks.
    pub(crate) row: usize,
    /// Position along the channel axis, in chunks.
    pub(crate) column: usize,
}

impl ChunkPosition {
    /// The chunk that holds the plane of `site` and `channel`.
    pub(crate) fn of_plane(geometry: &ArrayGeometry, site: usize, channel: usize) -> Self {
        Self {
            row: site / geometry.chunk_sites,
            column: channel / geometry.chunk_channels,
        }
    }

    /// First site of the chunk.
    pub(crate) fn site(self, geometry: &ArrayGeometry) -> usize {
        self.row * geometry.chunk_sites
    }

    /// First channel of the chunk.
    pub(crate) fn channel(self, geometry: &ArrayGeometry) -> usize {
        self.column * geometry.chunk_channels
    }

    /// Number of the shard that holds the chunk.
    pub(crate) fn shard(self, geometry: &ArrayGeometry) -> usize {
        self.row / rows_of_shard(geometry)
    }

    /// Position of the chunk, or of a tile of its planes, in its shard, row-major.
    pub(crate) fn in_shard(self, geometry: &ArrayGeometry, tile: usize) -> usize {
        let row = self.row % rows_of_shard(geometry);
        (row * channel_chunks(geometry) + self.column) * geometry.tiles() + tile
    }
}

/// Chunks of a shard along the site axis; at least 1, as a shard holds whole chunks.
fn rows_of_shard(geometry: &ArrayGeometry) -> usize {
    geometry.shard_sites / geometry.chunk_sites
}
