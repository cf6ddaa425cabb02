//! Runs the units of a plan on all cores.
//!
//! ```text
//!           readers                    workers                        storer
//! chunks ─> image files ─(read ahead)─> decode, measure, encode ─┐
//! in array  image files ─────────────-> decode, measure, encode ─┼─> open ─(full)─> one put
//! order     …                           …                        ┘   units         a unit
//! ```
//!
//! Readers, workers and storer are threads; all chunks of all units form one
//! queue in array order, so that a unit of 64 chunks keeps 64 cores busy and no
//! core waits for another at the end of a unit.
//!
//! - *Readers* fetch the image files of the next few chunks. They mostly wait,
//!   for a disk that seeks or a network, and so there are at least
//!   [`READERS_AT_LEAST`] of them, however few the cores.
//! - *Workers*, one a job, take a chunk from file bytes to encoded bytes while
//!   it is in cache; whole raw shards never exist. Buffers are reused.
//! - The *storer* puts a unit once its last chunk is there, so that writing and
//!   flushing stall nobody.
//!
//! **Memory.** Files of at most `jobs + 2 x readers` chunks have been read and
//! not yet encoded; each worker has one raw chunk; at most `2 + ceil((jobs +
//! 2 x readers) / chunks in a unit)` units are open or on their way to the store,
//! each at most as large as its encoded shard. With RxRx1's defaults (chunks of
//! 0.5 MB of PNG and 1.5 MiB of pixels, shards of 48 MB) and 2 jobs that is 9 +
//! 3 + 144 MB, at any number of sites.

mod chunk;
mod read;
pub(crate) mod task;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use crossbeam_channel::{Receiver, Sender, bounded, unbounded};
use rxrx_decoder::DecodeError;
use rxrx_metadata::{Plan, SiteIndex, Unit};

use self::chunk::{ChunkWorker, EncodedChunk};
pub(crate) use self::read::largest_file;
use self::read::{Buffers, ReadChunk};
use self::task::{Task, channel_chunks};
use crate::codec::{ChunkEncoder, CodecError};
use crate::events::{Event, Observer};
use crate::journal::{Journal, JournalError};
use crate::output::Output;
use crate::record::{PlaneRecord, UnitRecord};
use crate::shard::Shard;
use crate::source::Source;
use crate::store::StoreError;

/// Readers that there are even for a single job: enough for a disk or a file
/// server to work on several requests at once.
const READERS_AT_LEAST: usize = 8;

/// Why the units could not all be run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PipelineError {
    /// An image could not be read, and the run is strict.
    #[error("cannot read image {path}")]
    UnreadableImage {
        /// Path inside INPUT.
        path: String,
        /// What the file system said.
        source: std::io::Error,
    },
    /// An image could not be decoded, and the run is strict.
    #[error("cannot decode image {path}")]
    CorruptImage {
        /// Path inside INPUT.
        path: String,
        /// What is wrong with it.
        source: DecodeError,
    },
    /// A chunk could not be encoded.
    #[error(transparent)]
    Codec(#[from] CodecError),
    /// A shard or its record could not be stored.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A record could not be encoded: a defect of the program.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

/// Everything that the units of one conversion share.
pub(crate) struct Pipeline<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) source: &'a dyn Source,
    pub(crate) encoder: &'a ChunkEncoder,
    pub(crate) output: &'a Output<'a>,
    pub(crate) journal: &'a Journal<'a>,
    /// What the units were before, by shard, where their good planes must stay
    /// as they are.
    pub(crate) former: &'a BTreeMap<usize, UnitRecord>,
    pub(crate) observer: &'a dyn Observer,
    pub(crate) jobs: NonZeroUsize,
    /// Stop at the first image that cannot be used.
    pub(crate) strict: bool,
    /// Once true, no unit is begun.
    pub(crate) stop: &'a AtomicBool,
}

/// A unit some of whose chunks are still being made.
struct OpenUnit {
    chunks: Vec<Option<EncodedChunk>>,
    remaining: usize,
}

/// A unit all of whose chunks are made.
struct FullUnit {
    unit: Unit,
    chunks: Vec<EncodedChunk>,
}

#[derive(Default)]
struct State {
    next_chunk: usize,
    open: HashMap<usize, OpenUnit>,
    stored: usize,
    stopped: bool,
    failure: Option<PipelineError>,
}

struct Shared<'a> {
    pipeline: &'a Pipeline<'a>,
    /// The units to run, ascending.
    units: &'a [Unit],
    chunks: usize,
    files: Buffers,
    stored: Buffers,
    state: Mutex<State>,
    changed: Condvar,
}

impl Pipeline<'_> {
    /// Runs `units`, which ascend, and returns their records in that order:
    /// fewer when it was told to stop.
    pub(crate) fn run(&self, units: &[Unit]) -> Result<Vec<UnitRecord>, PipelineError> {
        let shared = Shared {
            pipeline: self,
            units,
            chunks: units.iter().map(|unit| self.chunks_of(unit)).sum(),
            files: Buffers::default(),
            stored: Buffers::default(),
            state: Mutex::default(),
            changed: Condvar::new(),
        };
        let mut records = thread::scope(|scope| {
            let (read, to_encode) = bounded(self.readers());
            // Bounded by the units in flight.
            let (full, to_store) = unbounded();
            let storer = scope.spawn(|| shared.store_units(to_store));
            for _ in 0..self.readers() {
                let read = read.clone();
                scope.spawn(|| shared.read(read));
            }
            for _ in 0..self.jobs.get() {
                let (to_encode, full) = (to_encode.clone(), full.clone());
                scope.spawn(|| shared.work(to_encode, full));
            }
            drop((read, to_encode, full));
            storer
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        });
        if let Some(failure) = shared.lock().failure.take() {
            return Err(failure);
        }
        records.sort_by_key(|record| record.unit.shard);
        Ok(records)
    }

    /// Chunks of a full unit that lie inside the array.
    fn chunks_per_unit(&self) -> usize {
        let geometry = self.plan.geometry();
        (geometry.shard_sites / geometry.chunk_sites) * channel_chunks(geometry)
    }

    /// Chunks of one unit: only the last one can have fewer than the others.
    fn chunks_of(&self, unit: &Unit) -> usize {
        let geometry = self.plan.geometry();
        unit.sites.len().div_ceil(geometry.chunk_sites) * channel_chunks(geometry)
    }

    fn readers(&self) -> usize {
        self.jobs.get().max(READERS_AT_LEAST)
    }

    /// Units that may be open or on their way to the store at once.
    fn units_in_flight(&self) -> usize {
        2 + (self.jobs.get() + 2 * self.readers()).div_ceil(self.chunks_per_unit())
    }

    /// Lays out the shard of a full unit, puts it and, once it is durable,
    /// records it. The chunks' buffers are given to `stored`.
    fn store_unit(
        &self,
        FullUnit { unit, chunks }: FullUnit,
        stored: &Buffers,
    ) -> Result<UnitRecord, PipelineError> {
        let geometry = self.plan.geometry();
        let sites = unit.sites.len();
        let mut planes = vec![PlaneRecord::Missing; sites * geometry.channels];
        let mut bytes = Vec::with_capacity(geometry.chunks_per_shard());
        for (number, chunk) in chunks.into_iter().enumerate() {
            let task = Task::new(geometry, unit.clone(), number);
            for ((site, channel), record) in task.planes().zip(chunk.planes) {
                planes[(site - unit.sites.start) * geometry.channels + channel] = record;
            }
            bytes.push(Some(chunk.bytes));
        }
        bytes.resize_with(geometry.chunks_per_shard(), || None);

        let key = unit.shard_key();
        if let Some(former) = self.former.get(&unit.shard)
            && let Some(lost) = first_lost(former, &planes)
        {
            let site = SiteIndex(unit.sites.start + lost / geometry.channels);
            self.observer.notice(Event::UnitKept {
                key: &key,
                path: self
                    .plan
                    .source(site, lost % geometry.channels)
                    .unwrap_or_default(),
            });
            self.output.note(former);
            return Ok(former.clone());
        }
        let shard = Shard::assemble(bytes);
        let parts = shard.parts();
        let sha256 = self.output.put(&key, &parts)?;
        let stored_bytes = parts.iter().map(|part| part.len() as u64).sum();
        let ranges = shard.ranges().chunks(channel_chunks(geometry));
        let ranges = ranges.filter_map(|row| {
            let start = row.first()?.as_ref()?.start;
            let end = row.last()?.as_ref()?.end;
            Some(start..end)
        });
        let ranges = ranges.flat_map(|range| std::iter::repeat_n(range, geometry.chunk_sites));
        let record = UnitRecord {
            unit,
            bytes: stored_bytes,
            sha256,
            ranges: ranges.take(sites).collect(),
            planes,
        };
        self.journal.record(&record)?;
        self.observer.notice(Event::UnitStored {
            key: &key,
            bytes: stored_bytes,
        });
        shard
            .into_chunks()
            .for_each(|chunk| stored.give_back(chunk));
        Ok(record)
    }
}

/// The first plane that was good and is not among `planes` as it was.
fn first_lost(former: &UnitRecord, planes: &[PlaneRecord]) -> Option<usize> {
    let mut planes = former.planes.iter().zip(planes);
    planes.position(|(former, now)| match (former, now) {
        (PlaneRecord::Ok { summary: then, .. }, PlaneRecord::Ok { summary: now, .. }) => {
            then.xxh3_128 != now.xxh3_128
        }
        (PlaneRecord::Ok { .. }, _) => true,
        _ => false,
    })
}

impl Shared<'_> {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A reader: takes chunks until there are none, or something failed.
    fn read(&self, read: Sender<ReadChunk>) {
        let _guard = StopOnPanic(self);
        while let Some(task) = self.take_task() {
            // The workers are gone only when something failed.
            let _ = read.send(self.pipeline.read(task, &self.files));
        }
    }

    /// A worker: encodes what the readers have read.
    fn work(&self, to_encode: Receiver<ReadChunk>, full_units: Sender<FullUnit>) {
        let _guard = StopOnPanic(self);
        let mut worker = ChunkWorker::new(self.pipeline, &self.files, &self.stored);
        for read in to_encode {
            if self.lock().stopped {
                return;
            }
            let (unit, chunk) = (read.task.unit.clone(), read.task.chunk);
            match worker.encode(read) {
                Ok(encoded) => {
                    if let Some(full) = self.add_chunk(&unit, chunk, encoded) {
                        // The storer is gone only when something failed.
                        let _ = full_units.send(full);
                    }
                }
                Err(error) => self.fail(error),
            }
        }
    }

    /// The storer: puts units as they become full.
    fn store_units(&self, full_units: Receiver<FullUnit>) -> Vec<UnitRecord> {
        let _guard = StopOnPanic(self);
        let mut records = Vec::new();
        for unit in full_units {
            match self.pipeline.store_unit(unit, &self.stored) {
                Ok(record) => {
                    records.push(record);
                    self.lock().stored += 1;
                    self.changed.notify_all();
                }
                Err(error) => {
                    self.fail(error);
                    break;
                }
            }
        }
        records
    }

    /// The next chunk; waits while too many units are in flight.
    fn take_task(&self) -> Option<Task> {
        let per_unit = self.pipeline.chunks_per_unit();
        let in_flight = self.pipeline.units_in_flight();
        let mut state = self.lock();
        loop {
            if state.stopped || state.next_chunk == self.chunks {
                return None;
            }
            let number = state.next_chunk / per_unit;
            let chunk = state.next_chunk % per_unit;
            if chunk == 0 && self.pipeline.stop.load(Ordering::Relaxed) {
                return None;
            }
            if number < state.stored + in_flight {
                let unit = self.units.get(number)?.clone();
                if chunk == 0 {
                    let remaining = self.pipeline.chunks_of(&unit);
                    let chunks = (0..remaining).map(|_| None).collect();
                    state
                        .open
                        .insert(unit.shard, OpenUnit { chunks, remaining });
                }
                state.next_chunk += 1;
                return Some(Task::new(self.pipeline.plan.geometry(), unit, chunk));
            }
            state = self
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Adds an encoded chunk to its unit; the unit, when that was its last.
    fn add_chunk(&self, unit: &Unit, chunk: usize, encoded: EncodedChunk) -> Option<FullUnit> {
        let mut state = self.lock();
        let open = state.open.get_mut(&unit.shard)?;
        *open.chunks.get_mut(chunk)? = Some(encoded);
        open.remaining -= 1;
        if open.remaining > 0 {
            return None;
        }
        let chunks = state.open.remove(&unit.shard)?.chunks;
        Some(FullUnit {
            unit: unit.clone(),
            chunks: chunks.into_iter().flatten().collect(),
        })
    }

    /// Remembers the first failure and wakes everybody so that they stop.
    fn fail(&self, error: PipelineError) {
        self.lock().failure.get_or_insert(error);
        self.stop();
    }

    fn stop(&self) {
        self.lock().stopped = true;
        self.changed.notify_all();
    }
}

/// Lets the other threads end when one panics, so that the defect is reported
/// and not hidden behind a program that waits for ever.
struct StopOnPanic<'a>(&'a Shared<'a>);

impl Drop for StopOnPanic<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.stop();
        }
    }
}
