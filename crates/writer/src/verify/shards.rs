//! Reads every shard once and checks it on `jobs` threads while it is in memory.
//!
//! ```text
//! readers: get a shard, read its index ──(its checksum, then its chunks)──> workers
//! ```
//!
//! **Memory.** The channel between them holds nothing. So there are at most as many
//! shards in memory as readers and workers, and most of the time one a reader. Each
//! worker has one raw chunk.
//!
//! **Progress.** Readers wait for workers only, to take what they send. Workers wait
//! for readers only, and end when the last reader drops its end of the channel. No
//! thread waits while it holds a lock.

use std::io;
use std::num::NonZeroUsize;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, Builder};

use crossbeam_channel::{Receiver, Sender, bounded};
use rxrx_format::keys::bytes_at_most;
use rxrx_format::{ChunkAddress, read_index};
use rxrx_metadata::Unit;
use rxrx_reader::consistency::{FindingKind, Findings, error_chain};
use rxrx_storage::Store;
use sha2::{Digest, Sha256};

use super::checksums::Checksums;
use super::chunk::{ChunkWorker, Expected, PlaneCounters};
use super::shard_findings::ShardFindings;
use super::shard_index::check_index;
use super::source::SourceCheck;
use crate::events::{Event, Observer};

/// Shards that are fetched while others are checked, so that no worker waits
/// for a disk.
const READERS: usize = 2;

/// Everything that the checks of all shards share.
pub(super) struct ShardCheck<'a> {
    pub(super) store: &'a dyn Store,
    pub(super) checksums: &'a Checksums,
    pub(super) findings: &'a Findings,
    pub(super) observer: &'a dyn Observer,
    /// Threads that hash and decode.
    pub(super) jobs: NonZeroUsize,
}

/// A shard in memory.
struct LoadedShard {
    key: String,
    bytes: Vec<u8>,
    /// The unit and the byte range of each chunk; `None` where the root cannot be
    /// read, or the index cannot.
    index: Option<(Unit, Vec<Option<Range<u64>>>)>,
}

/// A piece of work for a worker.
enum Work {
    /// Compare the checksum of the shard.
    Checksum(Arc<LoadedShard>),
    /// Check the chunk with that number.
    Chunk(Arc<LoadedShard>, usize),
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
        let source = expected.and_then(|expected| expected.source);
        let workers = self.jobs.get().max(source.map_or(1, SourceCheck::readers));
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
        let report = |kind, text: String| {
            self.checksums.accept(key);
            match expected {
                Some(expected) => self.about(expected, key).shard(kind, text),
                None => self.findings.object(kind, key, text),
            }
        };
        let at_most = expected.map_or_else(
            || bytes_at_most(key),
            |expected| expected.root.shard_bytes_at_most(),
        );
        let bytes = match self.store.get_at_most(key, at_most) {
            Ok(Some(bytes)) => bytes,
            Ok(None) => {
                let text = "it was removed during the verification".to_owned();
                return report(FindingKind::Missing, text);
            }
            Err(error) => return report(FindingKind::Damaged, error_chain(&error)),
        };
        let mut chunks = Vec::new();
        let mut index = None;
        if let Some(expected) = expected
            && let Some(shard) = expected.root.shard(key)
        {
            let geometry = &expected.root.geometry;
            let findings = self.about(expected, key);
            match read_index(&bytes, geometry.chunks_per_shard()) {
                Ok(ranges) => {
                    let unit = geometry.unit(shard);
                    chunks = check_index(&unit, &ranges, &findings);
                    index = Some((unit, ranges));
                }
                Err(error) => {
                    findings.shard(FindingKind::Damaged, format!("its index: {error}"));
                }
            }
        }
        let shard = Arc::new(LoadedShard {
            key: key.to_owned(),
            bytes,
            index,
        });
        // Workers end after the readers, unless one panics; then the scope does, too.
        let _ = work.send(Work::Checksum(shard.clone()));
        for chunk in chunks {
            let _ = work.send(Work::Chunk(shard.clone(), chunk));
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
        shard: &LoadedShard,
        chunk: usize,
        worker: &mut ChunkWorker,
        counters: &PlaneCounters,
    ) {
        let Some((unit, ranges)) = &shard.index else {
            return;
        };
        let geometry = &expected.root.geometry;
        let address = ChunkAddress::new(geometry, unit, chunk);
        let findings = self.about(expected, &shard.key);
        let bytes = ranges.get(chunk).and_then(|range| {
            let range = range.as_ref()?;
            shard.bytes.get(range.start as usize..range.end as usize)
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
        self.observer.notice(Event::ChunkVerified {
            sites: if is_last { address.sites.len() } else { 0 },
            stored_bytes,
        });
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
