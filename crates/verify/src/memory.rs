//! How much of a dataset is in memory at once.

use std::num::NonZeroUsize;
use std::sync::Arc;

use rxrx_format::{ArrayGeometry, largest_chunk, plane_shape};

use super::budget::Budget;
use crate::memory_limit::{MemoryLimit, TooLittleMemory};

/// Bytes that a worker needs beside pixels: counts of samples and the state of codecs.
const WORKER: u64 = 1 << 20;
/// Bytes of a piece of a shard that is read to be hashed only.
pub(super) const PIECE: u64 = 1 << 20;

/// The number of workers, and the bytes of shards that are in memory.
#[derive(Debug)]
pub(super) struct VerifyMemory {
    pub(super) workers: usize,
    /// Whether there is room for the pixels of chunks; if not, only checksums can be
    /// compared.
    pub(super) has_chunks: bool,
    pub(super) shards: Arc<Budget>,
}

impl VerifyMemory {
    /// Shares the memory between at most `workers` workers and the shards. There is no
    /// geometry where the root cannot be read; then only checksums are compared.
    ///
    /// # Errors
    /// [`TooLittleMemory`] if one worker and one chunk do not fit.
    pub(super) fn share(
        limit: MemoryLimit,
        workers: NonZeroUsize,
        geometry: Option<&ArrayGeometry>,
        has_source: bool,
    ) -> Result<Self, TooLittleMemory> {
        let (worker, chunk) = geometry.map_or((WORKER, PIECE), |geometry| {
            let worker = worker_bytes(geometry, has_source);
            let chunk = largest_chunk(geometry.chunk_bytes()) as u64;
            (worker, chunk.max(PIECE))
        });
        let needed = worker.saturating_add(chunk);
        let left = limit.bytes.checked_sub(needed);
        let left = left.ok_or_else(|| TooLittleMemory {
            chunk_bytes: geometry.map_or(0, |geometry| geometry.chunk_bytes() as u64),
            needed,
            memory: limit.bytes,
        })?;
        // Each further worker has a chunk of a shard to work on.
        let more = usize::try_from(left / needed).unwrap_or(usize::MAX);
        let workers = workers.get().min(more.saturating_add(1));
        let shards = limit.bytes.saturating_sub(worker * workers as u64);
        Ok(Self {
            workers,
            has_chunks: geometry.is_some(),
            shards: Budget::new(shards),
        })
    }
}

/// Returns the bytes that a worker needs: the pixels of a chunk, a plane for the
/// statistics; with a source, the image files of the chunk and a decoded plane.
fn worker_bytes(geometry: &ArrayGeometry, has_source: bool) -> u64 {
    let plane = plane_shape(geometry).byte_len() as u64;
    let chunk = geometry.chunk_bytes() as u64;
    let files = if has_source { chunk + chunk / 16 } else { 0 };
    let planes = if has_source { 4 } else { 2 };
    chunk + files + planes * plane + WORKER
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
            VerifyMemory::share(limit, workers, Some(&geometry), has_source)
        };
        assert_eq!(share(1 << 30, false).unwrap().workers, 16);
        let least = share(1, false).unwrap_err().needed;
        assert!(share(1, true).unwrap_err().needed > least);
        let one = share(least, false).unwrap();
        assert_eq!(one.workers, 1);
        let chunk = largest_chunk(geometry.chunk_bytes()) as u64;
        assert!(one.shards.allows(chunk) && !one.shards.allows(chunk + 1));
        let three = share(3 * least, false).unwrap();
        assert_eq!(three.workers, 3);
        assert!(three.shards.allows(3 * chunk));
        assert!(share(least - 1, false).is_err());
    }
}
