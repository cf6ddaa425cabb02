//! One chunk, decoded into its places.

use std::ops::Range;

use rxrx_format::keys::shard_key;
use rxrx_format::{ArrayGeometry, ChunkDecodeError, ChunkDecoder, TileGrid};

use crate::chunk_position::ChunkPosition;
use crate::dataset::Dataset;
use crate::error::DatasetError;
use crate::scratch::ReadScratch;

/// The part of a chunk that goes to one place of the result.
pub(crate) struct Piece<'a> {
    /// First byte in the planes of the chunk.
    pub(crate) offset: usize,
    /// The place in the result.
    pub(crate) pixels: &'a mut [u8],
}

impl Dataset {
    /// Decodes one chunk, or all tiles of the same planes, into its pieces.
    pub(crate) fn decode(
        &self,
        chunk: ChunkPosition,
        stored: &[&[u8]],
        pieces: &mut [Piece<'_>],
        scratch: &mut ReadScratch,
    ) -> Result<(), DatasetError> {
        let geometry = &self.root.geometry;
        let chunk_bytes = geometry.chunk_bytes();
        let decoder = self.decoder()?;
        let damaged = |source: ChunkDecodeError| DatasetError::Chunk {
            dataset: self.name.clone(),
            object: shard_key(chunk.shard(geometry)),
            site: chunk.site(geometry),
            channel: chunk.channel(geometry),
            source,
        };
        if let ([bytes], [whole, others @ ..]) = (stored, &mut *pieces)
            && whole.pixels.len() == chunk_bytes
        {
            decoder
                .decode_with(bytes, whole.pixels, &mut scratch.decoder)
                .map_err(damaged)?;
            others.iter_mut().for_each(|piece| piece.fill(whole.pixels));
            return Ok(());
        }
        self.resize(&mut scratch.chunk)?;
        let grid = TileGrid::of(geometry);
        // Planes that no piece takes need not be decoded.
        let taken: Vec<Range<usize>> = pieces
            .iter()
            .map(|piece| {
                let planes = piece.planes(geometry);
                planes.start * geometry.tile_bytes()..planes.end * geometry.tile_bytes()
            })
            .collect();
        let is_wanted = |part: Range<usize>| {
            let overlaps = |taken: &Range<usize>| taken.start < part.end && part.start < taken.end;
            taken.iter().any(overlaps)
        };
        for (tile, bytes) in stored.iter().enumerate() {
            decoder
                .decode_part(bytes, &mut scratch.chunk, &mut scratch.decoder, is_wanted)
                .map_err(&damaged)?;
            for piece in pieces.iter_mut() {
                match &grid {
                    Some(grid) => piece.fill_tile(grid, geometry, &scratch.chunk, tile),
                    None => piece.fill(&scratch.chunk),
                }
            }
        }
        Ok(())
    }

    /// Gives a buffer the length of a chunk.
    fn resize(&self, chunk: &mut Vec<u8>) -> Result<(), DatasetError> {
        let geometry = &self.root.geometry;
        let bytes = geometry.chunk_bytes();
        if chunk.len() != bytes {
            // The pages are untouched until a chunk turns out to be as large as the root
            // metadata state.
            *chunk = self.zeros(geometry.chunk_sites, bytes / geometry.chunk_sites)?;
        }
        Ok(())
    }

    /// The decoder of the chunks, made when it is first used.
    pub(crate) fn decoder(&self) -> Result<&ChunkDecoder, DatasetError> {
        if let Some(decoder) = self.decoder.get() {
            return Ok(decoder);
        }
        let codec = self.root.attributes.settings.codec;
        let decoder = ChunkDecoder::new(codec, &self.root.geometry);
        let decoder = decoder.map_err(|source| DatasetError::Codec {
            dataset: self.name.clone(),
            source,
        })?;
        Ok(self.decoder.get_or_init(|| decoder))
    }
}

impl Piece<'_> {
    /// The planes of the chunk that the piece consists of.
    fn planes(&self, geometry: &ArrayGeometry) -> Range<usize> {
        let first = self.offset / geometry.plane_bytes();
        first..first + self.pixels.len() / geometry.plane_bytes()
    }

    /// Takes the pixels of the piece from those of its chunk.
    #[allow(
        clippy::indexing_slicing,
        reason = "a piece is made with an offset and a length inside a chunk of its array"
    )]
    fn fill(&mut self, chunk: &[u8]) {
        let length = self.pixels.len();
        self.pixels
            .copy_from_slice(&chunk[self.offset..self.offset + length]);
    }

    /// Takes the pixels of a tile of the planes of the piece from those of a chunk.
    fn fill_tile(&mut self, grid: &TileGrid, geometry: &ArrayGeometry, chunk: &[u8], tile: usize) {
        let first = self.planes(geometry).start;
        let tiles = chunk.chunks_exact(geometry.tile_bytes()).skip(first);
        let planes = self.pixels.chunks_exact_mut(geometry.plane_bytes());
        for (pixels, plane) in tiles.zip(planes) {
            grid.paste(pixels, tile, plane);
        }
    }
}
