//! Reads every shard once and checks it on `jobs` threads while it is in memory.
//!
//! ```text
//! readers: get a shard, read its index ──(its checksum, then its chunks)──> workers
//! ```
//!
//! **Memory.** The channel between them holds nothing. So there are at most as many
//! shards in memory as readers and workers, and most of the time one a reader. Each
//! worker has one raw chunk. A reader takes the bytes of a shard from a budget before it
//! reads them, and they are given back when the last worker is done with them. A shard
//! that is larger than the whole budget is read and hashed chunk by chunk.
//!
//! **Progress.** Readers wait for workers only, to take what they send, or to give back
//! memory; a reader that waits for memory holds none. Workers wait
//! for readers only, and end when the last reader drops its end of the channel. No
//! thread waits while it holds a lock.

use std::collections::BTreeMap;
use std::io;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, Builder};

use crossbeam_channel::{Receiver, Sender, bounded};
use rxrx_format::{
    ChunkAddress, ShardIndexError, index_bytes, largest_chunk, read_index, read_stored_index,
};
use rxrx_metadata::Unit;
use rxrx_reader::consistency::{FindingKind, Findings, error_chain};
use rxrx_storage::{Store, StoreError};
use sha2::{Digest, Sha256};

use super::budget::{Budget, Taken};
use super::checksums::Checksums;
use super::chunk::{ChunkWorker, Expected, PlaneCounters};
use super::memory::{PIECE, VerifyMemory};
use super::shard_findings::ShardFindings;
use super::shard_index::check_index;
use crate::progress::Progress;

/// Shards that are fetched while others are checked, so that no worker waits
/// for a disk.
const READERS: usize = 2;

/// Everything that the checks of all shards share.
pub(super) struct ShardCheck<'a> {
    pub(super) store: &'a dyn Store,
    pub(super) checksums: &'a Checksums,
    pub(super) findings: &'a Findings,
    pub(super) progress: &'a dyn Progress,
    /// Sizes of the objects in bytes, by key.
    pub(super) sizes: &'a BTreeMap<String, u64>,
    /// The number of threads that hash and decode, and the memory of the shards.
    pub(super) memory: VerifyMemory,
}

/// The byte range of each chunk of a shard; `None` where it was never written.
type Ranges = Vec<Option<Range<u64>>>;

/// A shard in memory, or a chunk of it.
struct LoadedBytes {
    key: String,
    bytes: Vec<u8>,
    /// Offset of the bytes in the shard.
    start: u64,
    /// The unit and the ranges of its chunks; `None` where the root cannot be read, or
    /// the index cannot.
    index: Option<Arc<(Unit, Ranges)>>,
    /// The memory of the bytes.
    _taken: Taken,
}

/// A piece of work for a worker.
enum Work {
    /// Compare the checksum of the shard, all of which is in memory.
    Checksum(Arc<LoadedBytes>),
    /// Check the chunk with that number.
    Chunk(Arc<LoadedBytes>, usize),
}

/// A shard cannot be read.
struct Problem {
    kind: FindingKind,
    text: String,
}

impl Problem {
    fn removed() -> Self {
        Self {
            kind: FindingKind::Missing,
            text: "it was removed during the verification".to_owned(),
        }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        Self {
            kind: FindingKind::Damaged,
            text: error_chain(&error),
        }
    }
}

/// A shard that is read from start to end and hashed.
struct Pieces<'a> {
    store: &'a dyn Store,
    key: &'a str,
    hasher: Sha256,
    /// Bytes that were hashed.
    at: u64,
}

impl Pieces<'_> {
    fn range(&self, range: Range<u64>) -> Result<Vec<u8>, Problem> {
        let bytes = self.store.get_range(self.key, range)?;
        bytes.ok_or_else(Problem::removed)
    }

    /// Reads and hashes the bytes up to `end`.
    fn next(&mut self, end: u64) -> Result<Vec<u8>, Problem> {
        let bytes = self.range(self.at..end)?;
        self.hasher.update(&bytes);
        self.at = end;
        Ok(bytes)
    }

    /// Hashes the bytes up to `end`, which hold no chunk.
    fn hash_until(&mut self, end: u64, memory: &Arc<Budget>) -> Result<(), Problem> {
        while self.at < end {
            let piece = PIECE.min(end - self.at);
            let _taken = memory.take(piece);
            self.next(self.at + piece)?;
        }
        Ok(())
    }
}

impl<'a> ShardCheck<'a> {
    /// Checks the objects at `keys`. Without `expected`, only their checksums are
    /// compared.
    ///
    /// # Errors
    /// The system gives no thread. Then the threads that were started have ended.
    pub(super) fn run(
        &self,
        keys: &[String],
        expected: Option<&Expected<'_>>,
    ) -> io::Result<PlaneCounters> {
        let counters = PlaneCounters::default();
        // Each reader takes the next key; no other memory depends on the counter.
        let next = AtomicUsize::new(0);
        let workers = self.memory.workers;
        thread::scope(|scope| {
            let (work, to_do) = bounded(0);
            let start = || -> io::Result<()> {
                for _ in 0..READERS {
                    let (work, next) = (work.clone(), &next);
                    Builder::new().spawn_scoped(scope, move || {
                        while let Some(key) = keys.get(next.fetch_add(1, Ordering::Relaxed)) {
                            self.load(key, expected, &work);
                        }
                    })?;
                }
                for _ in 0..workers {
                    let (to_do, counters) = (to_do.clone(), &counters);
                    Builder::new()
                        .spawn_scoped(scope, move || self.work(&to_do, expected, counters))?;
                }
                Ok(())
            };
            // Without a worker, a reader ends when this thread drops the channel.
            start().inspect_err(|_| next.store(keys.len(), Ordering::Relaxed))
        })?;
        Ok(counters)
    }

    /// Runs in a reader: fetches a shard and hands out the work on it.
    fn load(&self, key: &str, expected: Option<&Expected<'_>>, work: &Sender<Work>) {
        let size = self.sizes.get(key).copied().unwrap_or_default();
        let loaded = if self.memory.shards.allows(size) {
            self.load_whole(key, size, expected, work)
        } else {
            self.load_pieces(key, size, expected, work)
        };
        if let Err(Problem { kind, text }) = loaded {
            self.checksums.accept(key);
            match expected {
                Some(expected) => self.about(expected, key).shard(kind, text),
                None => self.findings.object(kind, key, text),
            }
        }
    }

    /// Reads a shard as a whole.
    fn load_whole(
        &self,
        key: &str,
        size: u64,
        expected: Option<&Expected<'_>>,
        work: &Sender<Work>,
    ) -> Result<(), Problem> {
        let taken = self.memory.shards.take(size);
        let bytes = self.store.get_at_most(key, size)?;
        let bytes = bytes.ok_or_else(Problem::removed)?;
        let (index, chunks) = self.index(key, expected, |chunks| read_index(&bytes, chunks));
        let shard = Arc::new(LoadedBytes {
            key: key.to_owned(),
            bytes,
            start: 0,
            index,
            _taken: taken,
        });
        // Workers end after the readers, unless one panics; then the scope does, too.
        let _ = work.send(Work::Checksum(shard.clone()));
        for chunk in chunks {
            let _ = work.send(Work::Chunk(shard.clone(), chunk));
        }
        Ok(())
    }

    /// Reads a shard that is too large for the memory, chunk by chunk in the order of its
    /// bytes, and hashes it.
    fn load_pieces(
        &self,
        key: &str,
        size: u64,
        expected: Option<&Expected<'_>>,
        work: &Sender<Work>,
    ) -> Result<(), Problem> {
        let mut shard = Pieces {
            store: self.store,
            key,
            hasher: Sha256::new(),
            at: 0,
        };
        let mut stored_index = Vec::new();
        let geometry = expected.map(|expected| &expected.root.geometry);
        let index_bytes = geometry.map_or(0, |geometry| index_bytes(geometry.chunks_per_shard()));
        let end = size.saturating_sub(index_bytes as u64);
        if index_bytes > 0 {
            stored_index = shard.range(end..size)?;
        }
        let read = |chunks| read_stored_index(&stored_index, chunks, end);
        let (index, mut chunks) = self.index(key, expected, read);
        let range = |chunk: usize| Some(index.as_ref()?.1.get(chunk)?.as_ref()?.clone());
        chunks.sort_by_key(|&chunk| range(chunk).map(|range| range.start));
        let largest = geometry.map_or(0, |geometry| largest_chunk(geometry.chunk_bytes()) as u64);
        for chunk in chunks {
            let Some(range) = range(chunk) else { continue };
            shard.hash_until(range.start, &self.memory.shards)?;
            let length = range.end.saturating_sub(range.start);
            if let Some((unit, _)) = index.as_deref()
                && let Some(expected) = expected
                && length > largest
            {
                let address = ChunkAddress::new(&expected.root.geometry, unit, chunk);
                let text = format!("its chunk has {length} bytes, and can have {largest} at most");
                let findings = self.about(expected, key);
                findings.chunk(&address, FindingKind::Damaged, text);
                continue;
            }
            let taken = self.memory.shards.take(length);
            let bytes = shard.next(range.end)?;
            let piece = LoadedBytes {
                key: key.to_owned(),
                bytes,
                start: range.start,
                index: index.clone(),
                _taken: taken,
            };
            let _ = work.send(Work::Chunk(Arc::new(piece), chunk));
        }
        shard.hash_until(size, &self.memory.shards)?;
        let checksum = shard.hasher.finalize().into();
        self.checksums.check(key, checksum, self.findings);
        Ok(())
    }

    /// Reads and checks the index of a shard. Returns it with the chunks that are to be
    /// checked; nothing where the root cannot be read, or the index cannot.
    fn index(
        &self,
        key: &str,
        expected: Option<&Expected<'_>>,
        read: impl FnOnce(usize) -> Result<Ranges, ShardIndexError>,
    ) -> (Option<Arc<(Unit, Ranges)>>, Vec<usize>) {
        let Some((expected, shard)) =
            expected.and_then(|expected| Some((expected, expected.root.shard(key)?)))
        else {
            return (None, Vec::new());
        };
        let geometry = &expected.root.geometry;
        let findings = self.about(expected, key);
        match read(geometry.chunks_per_shard()) {
            Ok(ranges) => {
                let unit = geometry.unit(shard);
                let chunks = check_index(&unit, &ranges, &findings);
                (Some(Arc::new((unit, ranges))), chunks)
            }
            Err(error) => {
                findings.shard(FindingKind::Damaged, format!("its index: {error}"));
                (None, Vec::new())
            }
        }
    }

    /// Runs in a worker.
    fn work(
        &self,
        to_do: &Receiver<Work>,
        expected: Option<&Expected<'_>>,
        counters: &PlaneCounters,
    ) {
        let mut worker = ChunkWorker::new();
        for work in to_do {
            match (work, expected) {
                (Work::Chunk(shard, chunk), Some(expected)) => {
                    self.check_chunk(expected, &shard, chunk, &mut worker, counters);
                }
                (Work::Checksum(shard) | Work::Chunk(shard, _), _) => {
                    let checksum = Sha256::digest(&shard.bytes).into();
                    self.checksums.check(&shard.key, checksum, self.findings);
                }
            }
        }
    }

    fn check_chunk(
        &self,
        expected: &Expected<'_>,
        shard: &LoadedBytes,
        chunk: usize,
        worker: &mut ChunkWorker,
        counters: &PlaneCounters,
    ) {
        let Some((unit, ranges)) = shard.index.as_deref() else {
            return;
        };
        let geometry = &expected.root.geometry;
        let address = ChunkAddress::new(geometry, unit, chunk);
        let findings = self.about(expected, &shard.key);
        let bytes = ranges.get(chunk).and_then(|range| {
            let range = range.as_ref()?;
            let start = range.start.checked_sub(shard.start)?;
            let end = range.end.checked_sub(shard.start)?;
            shard.bytes.get(start as usize..end as usize)
        });
        let stored_bytes = match bytes {
            Some(bytes) => {
                worker.check(expected, &address, bytes, &findings, counters);
                bytes.len() as u64
            }
            None => {
                let text = "its chunk lies outside the shard".to_owned();
                findings.chunk(&address, FindingKind::Damaged, text);
                0
            }
        };
        let is_last = address.channels.end == geometry.channels;
        let sites = if is_last { address.sites.len() } else { 0 };
        self.progress.chunk_verified(sites, stored_bytes);
    }

    /// Returns where findings about a shard are reported.
    fn about<'b>(&self, expected: &Expected<'b>, key: &'b str) -> ShardFindings<'b>
    where
        'a: 'b,
    {
        ShardFindings {
            findings: self.findings,
            root: expected.root,
            tables: expected.tables,
            key,
        }
    }
}
