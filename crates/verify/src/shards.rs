//! Reads every shard once, piece by piece, and checks it on `jobs` threads, with the overviews
//! of its planes.
//!
//! ```text
//! readers: overviews, index, then piece after piece in the order of the bytes: read and hashed
//!            └──(the groups of chunks of each piece)──> workers: decode, compare
//! ```
//!
//! A *piece* is some chunks that lie one behind the other; see [`super::pieces`].
//!
//! **Memory.** No shard is ever in memory as a whole, unless it is smaller than a piece, or
//! the server sends whole objects only; the budget counts it then. The overviews of a unit, a
//! hundredth of its pixels, are in memory until its last chunk is checked.
//! The channel between readers and workers holds nothing. A reader takes the bytes of a
//! piece from a budget before it reads them, and they are given back when the last worker
//! is done with them. Each worker has the pixels of one group of chunks.
//!
//! **Progress.** Readers wait for workers only, to take what they send, or to give back
//! memory; a reader that waits for memory of shards holds none, but perhaps overviews, and one
//! that waits for memory of overviews holds nothing. Workers wait
//! for readers only, and end when the last reader drops its end of the channel. No
//! thread waits while it holds a lock.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, Builder};

use crossbeam_channel::{Receiver, Sender, bounded};
use rxrx_format::keys::SHARDS;
use rxrx_format::{ChunkAddress, index_bytes, read_stored_index};
use rxrx_reader::consistency::{FindingKind, Findings, error_chain};
use rxrx_storage::Store;
use sha2::{Digest, Sha256};

use super::checksums::Checksums;
use super::chunk::{ChunkWorker, Expected, PlaneCounters};
use super::memory::{VerifyMemory, overview_bytes};
use super::overview::{OverviewCheck, UnitOverviews};
use super::pieces::{ChunkGroup, HashedShard, Piece, Problem, pieces};
use super::shard_findings::ShardFindings;
use super::shard_index::check_index;
use crate::progress::Progress;

/// Fewest shards that are read at once, so that no worker waits for a disk.
const READERS: usize = 2;
/// Workers for which a reader can fetch and hash enough.
const WORKERS_A_READER: usize = 4;

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

/// The keys of the objects of units that are there.
pub(super) struct UnitObjects {
    pub(super) shards: Vec<String>,
    pub(super) overviews: Vec<String>,
}

/// The work on a group of chunks: all of them are in memory.
struct Work {
    key: Arc<str>,
    piece: Arc<Piece>,
    group: ChunkGroup,
    address: ChunkAddress,
    /// The overviews of its unit, if they could be read.
    overviews: Option<Arc<UnitOverviews>>,
}

impl<'a> ShardCheck<'a> {
    /// Checks the objects of `units`. Without `expected`, only their checksums are
    /// compared.
    ///
    /// # Errors
    /// The system gives no thread. Then the threads that were started have ended.
    pub(super) fn run(
        &self,
        units: UnitObjects,
        expected: Option<&Expected<'_>>,
    ) -> io::Result<PlaneCounters> {
        let counters = PlaneCounters::default();
        let UnitObjects {
            shards: mut keys,
            mut overviews,
        } = units;
        // The overviews of a shard are checked with it. Of others only the checksum is compared.
        if expected.is_some_and(|expected| expected.overviews.is_some()) {
            let with_shards: BTreeSet<_> = keys
                .iter()
                .filter_map(|key| OverviewCheck::key(key))
                .collect();
            overviews.retain(|key| !with_shards.contains(key));
        }
        keys.extend(overviews);
        let keys = &keys;
        // Each reader takes the next key; no other memory depends on the counter.
        let next = AtomicUsize::new(0);
        let workers = self.memory.workers;
        let readers = self.store.writers().max(workers / WORKERS_A_READER);
        let readers = readers.max(READERS);
        thread::scope(|scope| {
            let (work, to_do) = bounded(0);
            let start = || -> io::Result<()> {
                for _ in 0..readers {
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
        let loaded = match expected.filter(|_| key.starts_with(SHARDS)) {
            Some(expected) => self.load_chunks(key, expected, work),
            None => self.hash_alone(key),
        };
        match loaded {
            Ok(shard) => {
                self.checksums.check(key, shard.checksum(), self.findings);
            }
            Err(Problem { kind, text }) => {
                self.checksums.accept(key);
                match expected {
                    Some(expected) => self.about(expected, key).shard(kind, text),
                    None => self.findings.object(kind, key, text),
                }
            }
        }
    }

    /// Reads a shard of which only the checksum can be compared.
    fn hash_alone<'b>(&'b self, key: &'b str) -> Result<HashedShard<'b>, Problem> {
        let mut shard = HashedShard::new(self.store, key, self.size(key), &self.memory);
        shard.hash_until(self.size(key))?;
        Ok(shard)
    }

    /// Reads a shard in the order of its bytes, and sends its chunks to the workers.
    fn load_chunks<'b>(
        &'b self,
        key: &'b str,
        expected: &Expected<'_>,
        work: &Sender<Work>,
    ) -> Result<HashedShard<'b>, Problem> {
        let geometry = &expected.root.geometry;
        let size = self.size(key);
        let chunks = geometry.chunks_per_shard();
        let end = size.saturating_sub(index_bytes(chunks) as u64);
        let overviews = self.load_overviews(key, expected);
        let mut shard = HashedShard::new(self.store, key, self.size(key), &self.memory);
        let (index, taken) = shard.part(end..size)?;
        let findings = self.about(expected, key);
        let groups = match (
            expected.root.shard(key),
            read_stored_index(&index, chunks, end),
        ) {
            (None, _) => Vec::new(),
            (Some(number), Ok(ranges)) => check_index(&geometry.unit(number), &ranges, &findings),
            (Some(_), Err(error)) => {
                findings.shard(FindingKind::Damaged, format!("its index: {error}"));
                Vec::new()
            }
        };
        drop((index, taken));
        let name: Arc<str> = key.into();
        for groups in pieces(groups, self.memory.piece) {
            let (Some(first), Some(last)) = (groups.first(), groups.last()) else {
                continue;
            };
            let piece = Arc::new(shard.piece(first.range.start..last.range.end)?);
            for group in groups {
                let unit = geometry.unit(expected.root.shard(key).unwrap_or_default());
                // Workers end after the readers, unless one panics; then the scope does, too.
                let _ = work.send(Work {
                    key: name.clone(),
                    piece: piece.clone(),
                    address: ChunkAddress::new(geometry, &unit, group.number),
                    group,
                    overviews: overviews.clone(),
                });
            }
        }
        shard.hash_until(size)?;
        Ok(shard)
    }

    /// Reads the overviews of a shard, compares their checksum and decodes them; `None` if
    /// they are not there or cannot be used, which is reported.
    fn load_overviews(&self, shard: &str, expected: &Expected<'_>) -> Option<Arc<UnitOverviews>> {
        let check = expected.overviews?;
        let unit = expected.root.shard(shard)?;
        let key = OverviewCheck::key(shard)?;
        let size = *self.sizes.get(&key)?;
        let taken = self.memory.overviews.take(overview_bytes(expected.root));
        let object = match self.store.get_at_most(&key, size) {
            Ok(Some(object)) => object,
            read => {
                self.checksums.accept(&key);
                let text = match read {
                    Err(error) => error_chain(&error),
                    _ => "it was removed during the verification".to_owned(),
                };
                self.findings.object(FindingKind::Damaged, &key, text);
                return None;
            }
        };
        let checksum = Sha256::digest(&object).into();
        if !self.checksums.check(&key, checksum, self.findings) {
            return None;
        }
        let findings = self.about(expected, shard).of_overviews();
        check.decode(unit, &object, findings, taken).map(Arc::new)
    }

    /// Returns the size of an object, as the store lists it.
    fn size(&self, key: &str) -> u64 {
        self.sizes.get(key).copied().unwrap_or_default()
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
            if let Some(expected) = expected {
                self.check_group(expected, &work, &mut worker, counters);
            }
        }
    }

    fn check_group(
        &self,
        expected: &Expected<'_>,
        work: &Work,
        worker: &mut ChunkWorker,
        counters: &PlaneCounters,
    ) {
        let Work {
            key,
            piece,
            group,
            address,
            overviews,
        } = work;
        let findings = self.about(expected, key);
        let chunks: Option<Vec<&[u8]>> =
            group.chunks.iter().map(|range| piece.get(range)).collect();
        match chunks {
            Some(chunks) => {
                let overviews = overviews.as_deref();
                worker.check(expected, address, (&chunks, overviews), &findings, counters);
            }
            None => {
                let text = "its chunk lies outside the shard".to_owned();
                findings.chunk(address, FindingKind::Damaged, text);
            }
        }
        let geometry = &expected.root.geometry;
        let is_last = address.channels.end == geometry.channels;
        let sites = if is_last { address.sites.len() } else { 0 };
        let Range { start, end } = group.range;
        self.progress.chunk_verified(sites, end - start);
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
