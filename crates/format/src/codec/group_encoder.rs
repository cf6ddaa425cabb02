//! From the pixels of some planes to the stored bytes of their chunks.
//!
//! The planes of a group share their chunks: one chunk holds all of them, or each of their
//! tiles does.
#![allow(
    clippy::indexing_slicing,
    reason = "the planes of a group have the length that begin() gives them"
)]

use std::fmt;

use rxrx_metadata::ArrayGeometry;

use super::chain::{Codec, CodecError};
use super::encoder::{ChunkEncoder, ChunkEncoding, EncoderScratch, largest_chunk};
use crate::tile_grid::TileGrid;

/// Encodes the chunks of one array, group by group. All workers share it; each has a
/// [`GroupScratch`] of its own.
#[derive(Debug)]
pub struct GroupEncoder {
    chunks: ChunkEncoder,
    tiles: Option<Tiling>,
}

/// How the planes of a group are cut.
#[derive(Clone, Copy, Debug)]
struct Tiling {
    grid: TileGrid,
    tiles: usize,
    planes: usize,
    plane_bytes: usize,
    tile_bytes: usize,
}

/// Memory that one worker keeps from group to group.
#[derive(Default)]
pub struct GroupScratch {
    chunk: EncoderScratch,
    /// The planes of a group, where they are cut.
    planes: Vec<u8>,
    /// The stored bytes of a tile.
    tile: Vec<u8>,
}

impl fmt::Debug for GroupScratch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GroupScratch").finish_non_exhaustive()
    }
}

impl GroupEncoder {
    /// Makes the encoder of `codec` for the chunks of `geometry`.
    ///
    /// # Errors
    /// [`CodecError::ChunkTooLarge`].
    pub fn new(codec: Codec, geometry: &ArrayGeometry) -> Result<Self, CodecError> {
        let tiling = |grid| Tiling {
            grid,
            tiles: geometry.tiles(),
            planes: geometry.chunk_sites * geometry.chunk_channels,
            plane_bytes: geometry.plane_bytes(),
            tile_bytes: geometry.tile_bytes(),
        };
        Ok(Self {
            chunks: ChunkEncoder::new(codec, geometry)?,
            tiles: TileGrid::of(geometry).map(tiling),
        })
    }

    /// Begins a group, whose chunks replace the content of `stored`.
    ///
    /// The same pixels give the same bytes, whatever `scratch` was used for before with
    /// this encoder.
    pub fn begin<'a>(
        &'a self,
        scratch: &'a mut GroupScratch,
        stored: &'a mut Vec<u8>,
    ) -> GroupEncoding<'a> {
        let Some(tiling) = &self.tiles else {
            let chunk = self.chunks.begin(&mut scratch.chunk, stored);
            return GroupEncoding(Stage::Whole(chunk));
        };
        let bytes = tiling.planes * tiling.plane_bytes;
        scratch.planes.resize(bytes, 0);
        GroupEncoding(Stage::Tiled(TiledGroup {
            encoder: &self.chunks,
            tiling,
            scratch,
            stored,
            added: 0,
        }))
    }

    /// Returns the bytes of memory that one thread needs to encode groups.
    pub fn scratch_bytes(&self) -> usize {
        let tiled = self.tiles.map_or(0, |tiling| {
            let planes = tiling.planes.saturating_mul(tiling.plane_bytes);
            let chunk = tiling.planes.saturating_mul(tiling.tile_bytes);
            planes.saturating_add(super::encoder::largest_chunk(chunk))
        });
        self.chunks.scratch_bytes().saturating_add(tiled)
    }
}

/// A group that is being encoded, plane by plane, in C order over sites and channels.
#[must_use = "a group has no bytes before finish() returns"]
pub struct GroupEncoding<'a>(Stage<'a>);

enum Stage<'a> {
    Whole(ChunkEncoding<'a>),
    Tiled(TiledGroup<'a>),
}

/// A group whose planes are collected, and then cut.
struct TiledGroup<'a> {
    encoder: &'a ChunkEncoder,
    tiling: &'a Tiling,
    scratch: &'a mut GroupScratch,
    stored: &'a mut Vec<u8>,
    /// Planes pushed so far.
    added: usize,
}

impl fmt::Debug for GroupEncoding<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GroupEncoding").finish_non_exhaustive()
    }
}

impl GroupEncoding<'_> {
    /// Returns the memory for the pixels of the next plane, to be filled before
    /// [`Self::push`]. It holds pixels of earlier planes.
    ///
    /// # Errors
    /// [`CodecError::Failed`], a defect of the caller: the group has no further plane.
    pub fn plane_buffer(&mut self) -> Result<&mut [u8], CodecError> {
        match &mut self.0 {
            Stage::Whole(chunk) => chunk.plane_buffer(),
            Stage::Tiled(group) => group.plane_buffer(),
        }
    }

    /// Takes the plane in [`Self::plane_buffer`].
    ///
    /// # Errors
    /// [`CodecError::Failed`], a defect.
    pub fn push(&mut self) -> Result<(), CodecError> {
        match &mut self.0 {
            Stage::Whole(chunk) => chunk.push(),
            Stage::Tiled(group) => {
                group.plane_buffer()?;
                group.added += 1;
                Ok(())
            }
        }
    }

    /// Completes the stored bytes, once all planes are pushed, and returns the length of
    /// each chunk: one, or one for each tile. The chunks follow each other.
    ///
    /// # Errors
    /// [`CodecError::Failed`], a defect: planes are missing, or the codec fails. The
    /// stored bytes are then unspecified.
    pub fn finish(self) -> Result<Vec<usize>, CodecError> {
        match self.0 {
            Stage::Whole(chunk) => Ok(vec![chunk.finish()?]),
            Stage::Tiled(group) => group.finish(),
        }
    }
}

impl TiledGroup<'_> {
    fn plane_buffer(&mut self) -> Result<&mut [u8], CodecError> {
        let Tiling {
            planes,
            plane_bytes,
            ..
        } = *self.tiling;
        if self.added == planes {
            let text = format!("a group has {planes} planes, not more");
            return Err(self.encoder.failed(text));
        }
        let at = self.added * plane_bytes;
        Ok(&mut self.scratch.planes[at..at + plane_bytes])
    }

    fn finish(self) -> Result<Vec<usize>, CodecError> {
        let Self {
            encoder,
            tiling,
            scratch,
            stored,
            added,
        } = self;
        if added != tiling.planes {
            let planes = tiling.planes;
            return Err(encoder.failed(format!("a group has {planes} planes, not {added}")));
        }
        let GroupScratch {
            chunk,
            planes,
            tile: bytes,
        } = scratch;
        stored.clear();
        // Grown by doubling, it could take twice what it holds.
        let tile_bytes = tiling.planes * tiling.tile_bytes;
        stored.reserve_exact(largest_chunk(tile_bytes) * tiling.tiles);
        let mut lengths = Vec::with_capacity(tiling.tiles);
        for tile in 0..tiling.tiles {
            let mut encoding = encoder.begin(chunk, bytes);
            for plane in planes.chunks_exact(tiling.plane_bytes) {
                tiling.grid.cut(plane, tile, encoding.plane_buffer()?);
                encoding.push()?;
            }
            lengths.push(encoding.finish()?);
            stored.extend_from_slice(bytes);
        }
        Ok(lengths)
    }
}

#[cfg(test)]
mod tests {
    use rxrx_metadata::{DataType, Layout, Tiles};

    use super::*;
    use crate::codec::decoder::ChunkDecoder;
    use crate::testing::noise;

    fn geometry(tiles: Tiles, data_type: DataType) -> ArrayGeometry {
        let layout = Layout {
            chunk_channels: Some(2),
            tiles,
            ..Layout::default()
        };
        ArrayGeometry::new(3, 4, 70, 50, data_type, layout).unwrap()
    }

    #[test]
    fn the_tiles_of_a_group_follow_each_other_and_decode_to_its_planes() {
        for codec in Codec::ALL {
            for data_type in [DataType::UInt8, DataType::UInt16] {
                let geometry = geometry(Tiles::Of(32), data_type);
                let encoder = GroupEncoder::new(codec, &geometry).unwrap();
                let decoder = ChunkDecoder::new(codec, &geometry).unwrap();
                let group = noise(geometry.group_bytes());
                let (mut scratch, mut stored) = (GroupScratch::default(), vec![7; 3]);
                let mut encoding = encoder.begin(&mut scratch, &mut stored);
                for plane in group.chunks(geometry.plane_bytes()) {
                    encoding.plane_buffer().unwrap().copy_from_slice(plane);
                    encoding.push().unwrap();
                }
                assert!(encoding.plane_buffer().is_err());
                let lengths = encoding.finish().unwrap();
                assert_eq!(lengths.len(), 6);
                assert_eq!(lengths.iter().sum::<usize>(), stored.len());

                let grid = TileGrid::of(&geometry).unwrap();
                let mut again = vec![0; group.len()];
                let mut rest = &stored[..];
                for (tile, length) in lengths.into_iter().enumerate() {
                    let (chunk, after) = rest.split_at(length);
                    rest = after;
                    let mut pixels = vec![0; geometry.chunk_bytes()];
                    decoder.decode(chunk, &mut pixels).unwrap();
                    let planes = again.chunks_mut(geometry.plane_bytes());
                    for (pixels, plane) in pixels.chunks(geometry.tile_bytes()).zip(planes) {
                        assert!(grid.is_padded_with_zeros(pixels, tile));
                        grid.paste(pixels, tile, plane);
                    }
                }
                assert!(again == group, "{codec}");
            }
        }
    }

    #[test]
    fn a_group_of_whole_planes_is_one_chunk() {
        let geometry = geometry(Tiles::Whole, DataType::UInt8);
        let encoder = GroupEncoder::new(Codec::BloscZstd, &geometry).unwrap();
        let planes = noise(geometry.group_bytes());
        let (mut scratch, mut stored) = (GroupScratch::default(), Vec::new());
        let mut encoding = encoder.begin(&mut scratch, &mut stored);
        for plane in planes.chunks(geometry.plane_bytes()) {
            encoding.plane_buffer().unwrap().copy_from_slice(plane);
            encoding.push().unwrap();
        }
        let lengths = encoding.finish().unwrap();
        assert_eq!(lengths, [stored.len()]);
        let error = encoder.begin(&mut scratch, &mut stored).finish();
        assert!(error.unwrap_err().to_string().contains("2 planes, not 0"));
    }
}
