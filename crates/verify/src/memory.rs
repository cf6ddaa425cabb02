//! How much of a dataset is in memory at once.

use std::num::NonZeroUsize;
use std::sync::Arc;

use rxrx_format::{
    ArrayGeometry, Root, largest_chunk, overview_bytes_at_most, overview_geometry, plane_shape,
};

use super::budget::Budget;
use crate::memory_limit::{MemoryLimit, TooLittleMemory};

/// Bytes that a worker needs beside pixels: counts of samples and the state of codecs.
const WORKER: u64 = 1 << 20;
/// Most bytes of chunks that are read at once, unless a single one has more: enough for the
/// latency of a request to an object store.
const PIECE: u64 = 8 << 20;
/// Fewest bytes that are read at once, unless no chunk has so many.
const PIECE_AT_LEAST: u64 = 1 << 20;
/// Pieces among which the memory is shared at least.
const PIECES: u64 = 8;

/// The number of workers, and the bytes of shards that are in memory.
#[derive(Debug)]
pub(super) struct VerifyMemory {
    pub(super) workers: usize,
    /// Whether there is room for the pixels of chunks; if not, only checksums can be
    /// compared.
    pub(super) has_chunks: bool,
    /// Most bytes of a piece of a shard, unless a single chunk has more.
    pub(super) piece: u64,
    /// The memory for pieces of shards.
    pub(super) shards: Arc<Budget>,
    /// The memory for overviews.
    pub(super) overviews: Arc<Budget>,
}

impl VerifyMemory {
    /// Shares the memory between at most `workers` workers, the shards and the overviews, of
    /// which those of a unit take `overview` bytes. There is no geometry where the root cannot be read; then only checksums are compared.
    ///
    /// # Errors
    /// [`TooLittleMemory`] if one worker, one chunk and the overviews of a unit do not fit.
    pub(super) fn share(
        limit: MemoryLimit,
        workers: NonZeroUsize,
        geometry: Option<&ArrayGeometry>,
        overview: u64,
        has_source: bool,
    ) -> Result<Self, TooLittleMemory> {
        let (worker, chunk) = geometry.map_or((WORKER, PIECE_AT_LEAST), |geometry| {
            let worker = worker_bytes(geometry, has_source);
            (worker, largest_group(geometry).max(PIECE_AT_LEAST))
        });
        let a_worker = worker.saturating_add(chunk);
        let needed = a_worker.saturating_add(overview);
        let left = limit.bytes.checked_sub(needed);
        let left = left.ok_or_else(|| TooLittleMemory {
            chunk_bytes: geometry.map_or(0, |geometry| geometry.chunk_bytes() as u64),
            needed,
            memory: limit.bytes,
        })?;
        // Each further worker has a chunk of a shard to work on.
        let more = usize::try_from(left / a_worker).unwrap_or(usize::MAX);
        let workers = workers.get().min(more.saturating_add(1));
        let rest = limit.bytes.saturating_sub(worker * workers as u64);
        // Those of some units, so that no reader waits for another one.
        let overviews = overview.max(overview.saturating_mul(PIECES).min(rest / PIECES));
        let shards = rest.saturating_sub(overviews);
        Ok(Self {
            workers,
            has_chunks: geometry.is_some(),
            piece: (shards / PIECES).clamp(PIECE_AT_LEAST, PIECE),
            shards: Budget::new(shards),
            overviews: Budget::new(overviews),
        })
    }
}

/// Returns the most bytes that the chunks of the same planes are stored in.
pub(super) fn largest_group(geometry: &ArrayGeometry) -> u64 {
    let chunk = largest_chunk(geometry.chunk_bytes()) as u64;
    chunk.saturating_mul(geometry.tiles() as u64)
}

/// Returns the most bytes of memory that the overviews of a unit need: their object, and their
/// pixels.
pub(super) fn overview_bytes(root: &Root) -> u64 {
    if !root.has_overview() {
        return 0;
    }
    let overview = overview_geometry(&root.geometry);
    let pixels = overview.chunk_bytes() * overview.channels;
    overview_bytes_at_most(&root.geometry).saturating_add(pixels as u64)
}

/// Returns the bytes that a worker needs: the pixels of a chunk, or of a tile and of the
/// planes; a plane for the statistics; what the second decoder makes of a chunk, before and
/// after it sorts the bits; with a source, the image files of the planes and a decoded plane.
fn worker_bytes(geometry: &ArrayGeometry, has_source: bool) -> u64 {
    let plane = plane_shape(geometry).byte_len() as u64;
    let group = geometry.group_bytes() as u64;
    let tile = geometry.tile.map_or(0, |_| geometry.chunk_bytes() as u64);
    let twice = 2 * geometry.chunk_bytes() as u64;
    let files = if has_source { group + group / 16 } else { 0 };
    let planes = if has_source { 4 } else { 2 };
    group + tile + twice + files + planes * plane + WORKER
}

#[cfg(test)]
mod tests {
    use rxrx_format::{DataType, Layout};

    use super::*;

    #[test]
    fn workers_are_given_up_before_anything_is_refused() {
        let layout = Layout::default();
        let geometry = ArrayGeometry::new(8, 6, 512, 512, DataType::UInt8, layout).unwrap();
        let share = |bytes, has_source| {
            let workers = NonZeroUsize::new(16).unwrap();
            let limit = MemoryLimit { bytes };
            VerifyMemory::share(limit, workers, Some(&geometry), 1 << 20, has_source)
        };
        assert_eq!(share(1 << 30, false).unwrap().workers, 16);
        let least = share(1, false).unwrap_err().needed;
        assert!(share(1, true).unwrap_err().needed > least);
        let one = share(least, false).unwrap();
        assert!(one.overviews.allows(1 << 20));
        assert_eq!(one.workers, 1);
        let chunk = largest_chunk(geometry.chunk_bytes()) as u64;
        assert!(one.shards.allows(chunk) && !one.shards.allows(chunk + 1));
        let three = share(3 * least, false).unwrap();
        assert_eq!(three.workers, 3);
        assert!(three.shards.allows(3 * chunk));
        // A piece is small enough for several readers.
        assert_eq!(three.piece, PIECE_AT_LEAST);
        assert_eq!(share(1 << 30, false).unwrap().piece, PIECE);
        assert!(share(least - 1, false).is_err());
    }
}
