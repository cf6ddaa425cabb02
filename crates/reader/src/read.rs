//! Pixels of planes, sites and batches.
//!
//! ```text
//! sites ──> pieces ──> chunks ──> requests ──> bytes ──> chunks decoded into pieces
//! ```
//!
//! A *piece* is the part of one chunk that goes to one place of the result. Each
//! chunk is fetched and decoded once, however many pieces it has. Where planes are cut, all
//! tiles of the same planes are handled together, as one chunk is elsewhere: they are
//! fetched together and decoded one after the other.
//!
//! **Threads.** First all requests are made, then all chunks are decoded. Both steps
//! use at most as many threads as the caller allows; if that is one, the calling
//! thread does all the work. The threads end before the call returns, so there is
//! no pool that a fork could break. A thread waits for the store, or for the list
//! of spare buffers while another thread adds or removes one. The pieces of a chunk
//! are locked only by the thread that decodes it. No thread waits while it holds
//! the list, so no deadlock is possible.
//!
//! **Memory.** The result, the stored bytes of all its chunks, and one decoded
//! chunk for each thread if chunks have more than one piece.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::ops::Range;
use std::sync::{Mutex, OnceLock, PoisonError};

use rxrx_format::keys::shard_key;
use rxrx_format::{
    ArrayGeometry, ChunkDecodeError, ChunkDecoder, TileGrid, channel_chunks, site_chunks,
};
use rxrx_storage::for_each_concurrent;

use crate::chunk_position::ChunkPosition;
use crate::dataset::Dataset;
use crate::error::DatasetError;
use crate::pixels::{Batch, Pixels, Plane, Site};
use crate::request::{ChunkBytes, Request, merge};

/// The part of a chunk that goes to one place of the result.
struct Piece<'a> {
    chunk: ChunkPosition,
    /// First byte in the planes of the chunk.
    offset: usize,
    /// The place in the result.
    pixels: &'a mut [u8],
}

/// A request and its answer.
struct Fetched {
    request: Request,
    bytes: OnceLock<Vec<u8>>,
}

/// The work on one chunk.
struct Task<'a> {
    chunk: ChunkPosition,
    /// The stored chunk, or the tiles of its planes.
    bytes: &'a [&'a [u8]],
    pieces: Mutex<Vec<Piece<'a>>>,
}

impl Dataset {
    /// Reads one plane. Pixels of a plane without an image are 0.
    ///
    /// # Errors
    /// [`DatasetError`]: there is no such plane, an object is missing or damaged,
    /// or the store failed.
    pub fn read_plane(&self, site: usize, channel: usize) -> Result<Plane, DatasetError> {
        let geometry = &self.root.geometry;
        let mut pixels = self.zeros(1, geometry.plane_bytes())?;
        let piece = self.piece(site, channel, &mut pixels)?;
        self.read_pieces(vec![piece], NonZeroUsize::MIN)?;
        let shape = [geometry.height, geometry.width];
        Ok(Pixels::new(shape, geometry.data_type, pixels))
    }

    /// Reads all channels of one site.
    ///
    /// # Errors
    /// The errors of [`Self::read_plane`].
    pub fn read_site(&self, site: usize) -> Result<Site, DatasetError> {
        let batch = self.read_batch(&[site], NonZeroUsize::MIN)?;
        let [_, channels, height, width] = batch.shape();
        let data_type = batch.data_type();
        let shape = [channels, height, width];
        Ok(Pixels::new(shape, data_type, batch.into_bytes()))
    }

    /// Reads all channels of some sites, in the order of `sites`, with at most
    /// `threads` requests at once and at most `threads` threads that decode. The
    /// sites may be in any order, and one may be there twice; neighbours in one
    /// shard are read by one request.
    ///
    /// # Errors
    /// The errors of [`Self::read_plane`]; also, the batch does not fit into
    /// memory.
    pub fn read_batch(
        &self,
        sites: &[usize],
        threads: NonZeroUsize,
    ) -> Result<Batch, DatasetError> {
        let geometry = &self.root.geometry;
        let mut pixels = self.zeros(sites.len(), self.site_bytes())?;
        self.read_batch_into(sites, threads, &mut pixels)?;
        let [_, channels, height, width] = geometry.shape();
        let shape = [sites.len(), channels, height, width];
        Ok(Pixels::new(shape, geometry.data_type, pixels))
    }

    /// Reads as [`Self::read_batch`] does, into a buffer of exactly the size of
    /// the batch. After an error its content is unspecified.
    ///
    /// # Errors
    /// The errors of [`Self::read_batch`]; also, `pixels` has another length.
    pub fn read_batch_into(
        &self,
        sites: &[usize],
        threads: NonZeroUsize,
        pixels: &mut [u8],
    ) -> Result<(), DatasetError> {
        let geometry = &self.root.geometry;
        let site_bytes = self.site_bytes();
        let expected = site_bytes.saturating_mul(sites.len());
        if pixels.len() != expected {
            let actual = pixels.len();
            return Err(DatasetError::BufferLength { expected, actual });
        }
        let piece_bytes = geometry.chunk_channels * geometry.plane_bytes();
        let mut pieces = Vec::with_capacity(sites.len() * channel_chunks(geometry));
        for (&site, pixels) in sites.iter().zip(pixels.chunks_exact_mut(site_bytes)) {
            if site >= geometry.sites {
                return Err(self.out_of_range("site", site, geometry.sites));
            }
            let row = site / geometry.chunk_sites;
            let offset = site % geometry.chunk_sites * piece_bytes;
            for (column, pixels) in pixels.chunks_mut(piece_bytes).enumerate() {
                pieces.push(Piece {
                    chunk: ChunkPosition { row, column },
                    offset,
                    pixels,
                });
            }
        }
        self.read_pieces(pieces, threads)
    }

    /// Reads some channels of some sites, each in the given order, into a buffer of exactly
    /// the size of the result. Axes: (site, channel, y, x). A site or a channel may be there
    /// twice. Threads and requests are those of [`Self::read_batch`]. After an error the
    /// content of the buffer is unspecified.
    ///
    /// # Errors
    /// The errors of [`Self::read_batch_into`].
    pub fn read_channels_into(
        &self,
        sites: &[usize],
        channels: &[usize],
        threads: NonZeroUsize,
        pixels: &mut [u8],
    ) -> Result<(), DatasetError> {
        let geometry = &self.root.geometry;
        if channels.iter().copied().eq(0..geometry.channels) {
            return self.read_batch_into(sites, threads, pixels);
        }
        let plane_bytes = geometry.plane_bytes();
        let planes = sites.len().saturating_mul(channels.len());
        let (expected, actual) = (planes.saturating_mul(plane_bytes), pixels.len());
        if actual != expected {
            return Err(DatasetError::BufferLength { expected, actual });
        }
        let places = sites
            .iter()
            .flat_map(|&site| channels.iter().map(move |&channel| (site, channel)));
        let pieces = places.zip(pixels.chunks_exact_mut(plane_bytes));
        let pieces = pieces.map(|((site, channel), pixels)| self.piece(site, channel, pixels));
        self.read_pieces(pieces.collect::<Result<_, _>>()?, threads)
    }

    /// The place of one plane in its chunk, with the place for its pixels.
    fn piece<'a>(
        &self,
        site: usize,
        channel: usize,
        pixels: &'a mut [u8],
    ) -> Result<Piece<'a>, DatasetError> {
        let geometry = &self.root.geometry;
        if site >= geometry.sites {
            return Err(self.out_of_range("site", site, geometry.sites));
        }
        if channel >= geometry.channels {
            return Err(self.out_of_range("channel", channel, geometry.channels));
        }
        let in_chunk = site % geometry.chunk_sites * geometry.chunk_channels
            + channel % geometry.chunk_channels;
        Ok(Piece {
            chunk: ChunkPosition::of_plane(geometry, site, channel),
            offset: in_chunk * geometry.plane_bytes(),
            pixels,
        })
    }

    /// Bytes of all channels of a site.
    fn site_bytes(&self) -> usize {
        self.root.geometry.channels * self.root.geometry.plane_bytes()
    }

    /// Fetches and decodes the chunks of all pieces.
    fn read_pieces(
        &self,
        pieces: Vec<Piece<'_>>,
        threads: NonZeroUsize,
    ) -> Result<(), DatasetError> {
        let mut by_chunk: BTreeMap<ChunkPosition, Vec<Piece<'_>>> = BTreeMap::new();
        for piece in pieces {
            by_chunk.entry(piece.chunk).or_default().push(piece);
        }
        let chunks: Vec<ChunkPosition> = by_chunk.keys().copied().collect();
        let decoder = self.decoder()?;
        let stored = self.stored(&chunks, threads)?;
        let fetched = self.fetch(merge(&stored), threads)?;
        let mut bytes: Vec<&[u8]> = vec![&[]; stored.len()];
        for Fetched {
            request,
            bytes: all,
        } in &fetched
        {
            for &chunk in &request.chunks {
                let place = bytes.get_mut(chunk).zip(stored.get(chunk));
                if let Some((bytes, ChunkBytes { range, .. })) = place {
                    *bytes = part(all.get(), request, range);
                }
            }
        }
        let tasks = by_chunk
            .into_iter()
            .zip(bytes.chunks(self.root.geometry.tiles()));
        let tasks: Vec<Task<'_>> = tasks
            .map(|((chunk, pieces), bytes)| Task {
                chunk,
                bytes,
                pieces: Mutex::new(pieces),
            })
            .collect();
        let spares = Mutex::default();
        for_each(&tasks, threads, |task| self.decode(decoder, task, &spares))
    }

    /// The places of `chunks`; where planes are cut, of all their tiles.
    fn stored(
        &self,
        chunks: &[ChunkPosition],
        threads: NonZeroUsize,
    ) -> Result<Vec<ChunkBytes>, DatasetError> {
        let geometry = &self.root.geometry;
        if site_chunks(geometry) > 1 {
            // Several requests at once, where several indices are needed.
            self.sites()?;
            let mut shards: Vec<usize> = chunks.iter().map(|chunk| chunk.shard(geometry)).collect();
            shards.dedup();
            for_each(&shards, threads, |shard| self.index(*shard).map(drop))?;
        }
        let tiles = chunks.iter().flat_map(|chunk| {
            let tiles = 0..geometry.tiles();
            tiles.map(move |tile| {
                Ok(ChunkBytes {
                    shard: chunk.shard(geometry),
                    range: self.chunk_range(*chunk, tile)?,
                })
            })
        });
        tiles.collect()
    }

    /// Makes all requests.
    fn fetch(
        &self,
        requests: Vec<Request>,
        threads: NonZeroUsize,
    ) -> Result<Vec<Fetched>, DatasetError> {
        let requests = requests.into_iter().map(|request| Fetched {
            request,
            bytes: OnceLock::new(),
        });
        let requests: Vec<Fetched> = requests.collect();
        for_each(&requests, threads, |Fetched { request, bytes }| {
            let key = shard_key(request.shard);
            let read = self.part(&key, request.range.clone())?;
            bytes.get_or_init(|| read);
            Ok(())
        })?;
        Ok(requests)
    }

    /// Decodes one chunk into its pieces.
    fn decode(
        &self,
        decoder: &ChunkDecoder,
        task: &Task<'_>,
        spares: &Mutex<Vec<Vec<u8>>>,
    ) -> Result<(), DatasetError> {
        let geometry = &self.root.geometry;
        let chunk_bytes = geometry.chunk_bytes();
        let damaged = |source: ChunkDecodeError| DatasetError::Chunk {
            dataset: self.name.clone(),
            object: shard_key(task.chunk.shard(geometry)),
            site: task.chunk.site(geometry),
            channel: task.chunk.channel(geometry),
            source,
        };
        let mut pieces = task.pieces.lock().unwrap_or_else(PoisonError::into_inner);
        if let ([bytes], [whole, others @ ..]) = (task.bytes, pieces.as_mut_slice())
            && whole.pixels.len() == chunk_bytes
        {
            decoder.decode(bytes, whole.pixels).map_err(damaged)?;
            others.iter_mut().for_each(|piece| piece.fill(whole.pixels));
            return Ok(());
        }
        let spare = spares.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut chunk = match spare {
            Some(spare) => spare,
            None => self.zeros(geometry.chunk_sites, chunk_bytes / geometry.chunk_sites)?,
        };
        let grid = TileGrid::of(geometry);
        for (tile, bytes) in task.bytes.iter().enumerate() {
            decoder.decode(bytes, &mut chunk).map_err(&damaged)?;
            for piece in pieces.iter_mut() {
                match &grid {
                    Some(grid) => piece.fill_tile(grid, geometry, &chunk, tile),
                    None => piece.fill(&chunk),
                }
            }
        }
        let mut spares = spares.lock().unwrap_or_else(PoisonError::into_inner);
        spares.push(chunk);
        Ok(())
    }

    /// The decoder of the chunks, made when it is first used.
    fn decoder(&self) -> Result<&ChunkDecoder, DatasetError> {
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

    /// Memory for `sites` of `bytes` each. The pages are untouched until a chunk
    /// turns out to be as large as the root metadata state.
    pub(crate) fn zeros(&self, sites: usize, bytes: usize) -> Result<Vec<u8>, DatasetError> {
        let too_large = || DatasetError::TooLarge {
            dataset: self.name.clone(),
            sites,
        };
        let bytes = sites.checked_mul(bytes).ok_or_else(too_large)?;
        // `vec!` would end the process where there is not so much memory.
        let mut probe: Vec<u8> = Vec::new();
        probe.try_reserve_exact(bytes).map_err(|_| too_large())?;
        drop(probe);
        Ok(vec![0; bytes])
    }
}

impl Piece<'_> {
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
        let first = self.offset / geometry.plane_bytes();
        let tiles = chunk.chunks_exact(geometry.tile_bytes()).skip(first);
        let planes = self.pixels.chunks_exact_mut(geometry.plane_bytes());
        for (pixels, plane) in tiles.zip(planes) {
            grid.paste(pixels, tile, plane);
        }
    }
}

/// The bytes of `range` in the answer to `request`. No bytes where there are not
/// enough of them: the decoder then says that they are too few.
fn part<'a>(answer: Option<&'a Vec<u8>>, request: &Request, range: &Range<u64>) -> &'a [u8] {
    let within = |at: u64| usize::try_from(at.checked_sub(request.range.start)?).ok();
    let ends = within(range.start).zip(within(range.end));
    let part = answer
        .zip(ends)
        .and_then(|(answer, (start, end))| answer.get(start..end));
    part.unwrap_or(&[])
}

/// Calls `each` with each item, on the calling thread if one thread is enough.
pub(crate) fn for_each<T: Sync>(
    items: &[T],
    threads: NonZeroUsize,
    each: impl Fn(&T) -> Result<(), DatasetError> + Sync,
) -> Result<(), DatasetError> {
    if threads == NonZeroUsize::MIN || items.len() < 2 {
        return items.iter().try_for_each(each);
    }
    for_each_concurrent(items, threads.get(), each)
}
