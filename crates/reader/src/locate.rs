//! Byte ranges of chunks in the shards.
//!
//! `metadata.parquet` states for each site in which bytes of its shard its chunks
//! lie. That table costs one request for a dataset; indices cost one request for
//! each shard. Therefore:
//!
//! - If one chunk holds a whole site, the table is enough, and no index is read.
//! - Otherwise the index of the shard states where each chunk of a site begins. The
//!   index lies behind the last chunk, so the table also states where the index
//!   begins, and nobody has to ask for the size of the object. Indices are kept.
//!
//! No number read is trusted: a range must lie in the shard of its site and must
//! not be longer than chunks can be.

use std::ops::Range;
use std::sync::{Arc, PoisonError};

use rxrx_format::keys::shard_key;
use rxrx_format::{StoredSite, index_bytes, read_stored_index, site_chunks};

use crate::chunk_position::ChunkPosition;
use crate::dataset::{Dataset, ShardRanges};
use crate::error::DatasetError;

impl Dataset {
    /// The bytes of a chunk, or of a tile of its planes, in its shard. Reads the table of sites, and the index
    /// of the shard where it is needed, unless they are known.
    pub(crate) fn chunk_range(
        &self,
        chunk: ChunkPosition,
        tile: usize,
    ) -> Result<Range<u64>, DatasetError> {
        let geometry = &self.root.geometry;
        let shard = chunk.shard(geometry);
        if site_chunks(geometry) == 1 {
            return self.site_range(chunk.site(geometry), shard);
        }
        let index = self.index(shard)?;
        let entry = index.get(chunk.in_shard(geometry, tile)).cloned().flatten();
        let no_chunk = |reason: String| DatasetError::NoChunk {
            dataset: self.name.clone(),
            object: shard_key(shard),
            site: chunk.site(geometry),
            channel: chunk.channel(geometry),
            reason,
        };
        let range = entry.ok_or_else(|| no_chunk("it was never written".to_owned()))?;
        let (bytes, at_most) = (range.end - range.start, self.chunk_bytes_at_most());
        if bytes > at_most {
            let text = format!("it has {bytes} bytes, and a chunk has at most {at_most}");
            return Err(no_chunk(text));
        }
        Ok(range)
    }

    /// Reads the index of a shard, unless it is known.
    pub(crate) fn index(&self, shard: usize) -> Result<Arc<ShardRanges>, DatasetError> {
        let known = self.indices.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(index) = known.get(&shard) {
            return Ok(index.clone());
        }
        drop(known);
        let chunks = self.root.geometry.chunks_per_shard();
        let object = shard_key(shard);
        let end = self.chunks_end(shard)?;
        let bytes = self.part(&object, end..end.saturating_add(index_bytes(chunks) as u64))?;
        let index = read_stored_index(&bytes, chunks, end);
        let index = Arc::new(index.map_err(|source| DatasetError::Index {
            dataset: self.name.clone(),
            object,
            source,
        })?);
        let mut known = self.indices.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(known.entry(shard).or_insert(index).clone())
    }

    /// Where the last chunk of a shard ends, and its index begins.
    pub(crate) fn chunks_end(&self, shard: usize) -> Result<u64, DatasetError> {
        let mut end = 0;
        for site in self.root.geometry.unit(shard).sites {
            end = end.max(self.site_range(site, shard)?.end);
        }
        Ok(end)
    }

    /// The bytes of all chunks of a site, which the shard with that number holds.
    fn site_range(&self, site: usize, shard: usize) -> Result<Range<u64>, DatasetError> {
        let Some(place) = self.sites()?.places.get(site) else {
            return Err(self.out_of_range("site", site, self.root.geometry.sites));
        };
        let refused = |reason: String| {
            let StoredSite {
                shard,
                range: Range { start, end },
                ..
            } = place;
            DatasetError::Place {
                dataset: self.name.clone(),
                site,
                place: format!("bytes {start} to {end} of {shard}"),
                reason,
            }
        };
        let key = shard_key(shard);
        if *place.shard != *key {
            return Err(refused(format!("that site belongs to {key}")));
        }
        let columns = site_chunks(&self.root.geometry) as u64;
        let at_most = self.chunk_bytes_at_most().saturating_mul(columns);
        if place.range.end - place.range.start > at_most {
            let text = format!("the chunks of a site have at most {at_most} bytes");
            return Err(refused(text));
        }
        let at_most = self.root.shard_bytes_at_most();
        if place.range.end > at_most {
            return Err(refused(format!("a shard has at most {at_most} bytes")));
        }
        Ok(place.range.clone())
    }

    /// Largest size in bytes of a stored chunk.
    fn chunk_bytes_at_most(&self) -> u64 {
        self.root.shard_bytes_at_most() / self.root.geometry.chunks_per_shard() as u64
    }

    pub(crate) fn out_of_range(
        &self,
        axis: &'static str,
        position: usize,
        length: usize,
    ) -> DatasetError {
        DatasetError::OutOfRange {
            dataset: self.name.clone(),
            axis,
            position,
            length,
        }
    }
}
