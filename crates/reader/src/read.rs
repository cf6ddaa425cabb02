//! Pixels of planes, sites and batches.
//!
//! ```text
//! sites ──> pieces ──> chunks ──> work: bytes fetched, chunks decoded into pieces
//! ```
//!
//! A *piece* is the part of one chunk that goes to one place of the result. Each
//! chunk is fetched and decoded once, however many pieces it has. Where planes are cut, all
//! tiles of the same planes are handled together, as one chunk is elsewhere: they are
//! fetched together and decoded one after the other. [`super::work`] says what threads do.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::ops::Range;

use rxrx_format::{channel_chunks, site_chunks};
use rxrx_storage::for_each_concurrent;

use crate::chunk_position::ChunkPosition;
use crate::dataset::Dataset;
use crate::decode::Piece;
use crate::error::DatasetError;
use crate::pixels::{Batch, Pixels, Plane, Site};
use crate::request::RequestLimits;
use crate::work::{Task, plan};

/// A piece with the chunk that it is a part of.
type Placed<'a> = (ChunkPosition, Piece<'a>);

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

    /// Reads all channels of some sites, in the order of `sites`, with at most `threads`
    /// threads that decode. The sites may be in any order, and one may be there twice;
    /// neighbours in one shard are read by one request.
    ///
    /// On a disk each thread reads what it decodes. In an object store as many requests are
    /// under way as the store has use for ([`Store::readers`]), by threads of their own.
    ///
    /// [`Store::readers`]: rxrx_storage::Store::readers
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
                pieces.push((ChunkPosition { row, column }, Piece { offset, pixels }));
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
    ) -> Result<Placed<'a>, DatasetError> {
        let geometry = &self.root.geometry;
        if site >= geometry.sites {
            return Err(self.out_of_range("site", site, geometry.sites));
        }
        if channel >= geometry.channels {
            return Err(self.out_of_range("channel", channel, geometry.channels));
        }
        let in_chunk = site % geometry.chunk_sites * geometry.chunk_channels
            + channel % geometry.chunk_channels;
        let chunk = ChunkPosition::of_plane(geometry, site, channel);
        let offset = in_chunk * geometry.plane_bytes();
        Ok((chunk, Piece { offset, pixels }))
    }

    /// Bytes of all channels of a site.
    fn site_bytes(&self) -> usize {
        self.root.geometry.channels * self.root.geometry.plane_bytes()
    }

    /// Fetches and decodes the chunks of all pieces.
    fn read_pieces(
        &self,
        pieces: Vec<Placed<'_>>,
        threads: NonZeroUsize,
    ) -> Result<(), DatasetError> {
        let mut by_chunk: BTreeMap<ChunkPosition, Vec<Piece<'_>>> = BTreeMap::new();
        for (chunk, piece) in pieces {
            by_chunk.entry(chunk).or_default().push(piece);
        }
        // Nothing is fetched that cannot be decoded.
        self.decoder()?;
        self.read_indices(by_chunk.keys(), threads)?;
        let tasks = by_chunk.into_iter().map(|(chunk, pieces)| {
            Ok(Task {
                chunk,
                stored: self.stored(chunk)?,
                pieces,
            })
        });
        let tasks = tasks.collect::<Result<Vec<_>, DatasetError>>()?;
        let limits = match self.store.readers() {
            0 | 1 => RequestLimits::FILES,
            _ => RequestLimits::OBJECTS,
        };
        let shard_of = |chunk: ChunkPosition| chunk.shard(&self.root.geometry);
        self.run(plan(tasks, shard_of, limits), threads)
    }

    /// Reads the index of each shard of `chunks` that is needed, several at once.
    fn read_indices<'a>(
        &self,
        chunks: impl Iterator<Item = &'a ChunkPosition>,
        threads: NonZeroUsize,
    ) -> Result<(), DatasetError> {
        let geometry = &self.root.geometry;
        if site_chunks(geometry) == 1 {
            return Ok(());
        }
        self.sites()?;
        let mut shards: Vec<usize> = chunks.map(|chunk| chunk.shard(geometry)).collect();
        shards.dedup();
        let read = |shard: &usize| self.index(*shard).map(drop);
        for_each(&shards, threads.get().max(self.store.readers()), read)
    }

    /// The bytes of a chunk in its shard; where planes are cut, of all tiles.
    fn stored(&self, chunk: ChunkPosition) -> Result<Vec<Range<u64>>, DatasetError> {
        let tiles = 0..self.root.geometry.tiles();
        tiles.map(|tile| self.chunk_range(chunk, tile)).collect()
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

/// Calls `each` with each item, on the calling thread if one thread is enough.
pub(crate) fn for_each<T: Sync>(
    items: &[T],
    threads: usize,
    each: impl Fn(&T) -> Result<(), DatasetError> + Sync,
) -> Result<(), DatasetError> {
    if threads == 1 || items.len() < 2 {
        return items.iter().try_for_each(each);
    }
    for_each_concurrent(items, threads, each)
}
