//! Runs the units of a plan on all cores.
//!
//! ```text
//!           readers                    workers                          storers
//! chunks ─> image files ─(read ahead)─> decode, measure, encode ─┐ in
//! in array  image files ─────────────-> decode, measure, encode ─┼─array─> one object,
//! order     …                           …                        ┘ order   one record a unit
//! ```
//!
//! Readers, workers and storers are threads; all chunks of all units form one
//! queue in array order, so that a unit of 64 chunks keeps 64 cores busy and no
//! core waits for another at the end of a unit.
//!
//! - *Readers* fetch the image files of the next few chunks. They mostly wait,
//!   for a disk that seeks or a network, and so there are as many as the source
//!   asks for ([`ReadHints`]), however few the cores. Where larger reads are faster
//!   each takes several chunks of a unit at once.
//! - *Workers*, one a job, take a chunk from file bytes to encoded bytes, plane by
//!   plane while each is in cache where the codec allows it; whole raw shards never
//!   exist. Buffers are reused.
//! - A *storer* writes each chunk as soon as those before it in the shard are
//!   written, and so never holds a shard; the workers go on while it writes and
//!   flushes. A disk has two, so that the next shard is written while one is
//!   flushed. An object store takes long to answer, but answers many at once, and
//!   so has several ([`Store::writers`]).
//!
//! [`Store::writers`]: rxrx_storage::Store::writers
//!
//! **Memory.** From the first chunk that is not written to the last one that is
//! being read there are at most [`CHUNKS_A_THREAD`] `x jobs + 2 x readers` chunks.
//! Of these `2 x jobs + readers` can be image files: in the hand of a worker or a
//! reader, or between the two. Where calls of a source differ in time, or a reader
//! takes several chunks at once, there are more: 6 chunks a reader, or two such
//! reads. Buffers of both kinds are kept for the next chunks and grow to the
//! largest that came; each worker has the pixels of a plane besides, or of a chunk
//! where that is compressed as a whole. With RxRx1's defaults (chunks of 0.5 MB of
//! PNG, 0.75 MB encoded and 1.5 MiB of pixels) and 2 jobs that is
//! 12 x 0.5 + 22 x 0.75 + 3 = 26 MB, up to half as much again where some images
//! are larger. One plate reaches it, and no number of sites and no size of the
//! shards exceeds it. From an archive behind an address, 16 readers take 5 chunks at
//! once: 166 x (0.5 + 0.75) + 3 = 211 MB, and 16 x 2 x 2.5 = 80 MB for what is just
//! arriving. What a store holds of an object that it is given comes on top: see
//! there.

mod chunk;
mod read;
mod storer;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use crossbeam_channel::{Receiver, Sender, bounded};
use rxrx_decoder::DecodeError;
use rxrx_format::{ChunkAddress, ChunkEncoder, CodecError, channel_chunks};
use rxrx_input::{ReadError, ReadHints, Source};
use rxrx_metadata::{Plan, Unit};
use rxrx_storage::{StoreError, Unreachable};

use self::chunk::{ChunkWorker, EncodedChunk};
use self::read::{Buffers, ReadChunk};
use self::storer::Storer;
use crate::events::Observer;
use crate::journal::{Journal, JournalError, StoredUnit};
use crate::output::ChecksummedStore;

/// Chunks under way for each thread that works, or waits for calls that differ in
/// time: enough to go on while a shard is flushed.
const CHUNKS_A_THREAD: usize = 3;

/// Why the units could not all be run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PipelineError {
    /// An image could not be read, and the run is strict.
    #[error("cannot read image {path}")]
    UnreadableImage {
        /// Path inside INPUT.
        path: String,
        /// The error of the source.
        source: ReadError,
    },
    /// INPUT as a whole cannot be read any more.
    #[error("cannot read INPUT any more, at image {path}")]
    Source {
        /// Path inside INPUT.
        path: String,
        /// The error of the store.
        source: Unreachable,
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
    pub(crate) output: &'a ChecksummedStore<'a>,
    pub(crate) journal: &'a Journal<'a>,
    /// What the units were before, by shard, where their good planes must stay
    /// as they are.
    pub(crate) former: &'a BTreeMap<usize, StoredUnit>,
    pub(crate) observer: &'a dyn Observer,
    pub(crate) jobs: NonZeroUsize,
    /// Stop at the first image that cannot be used, having stored the units before it.
    pub(crate) strict: bool,
    /// Once true, no unit is begun.
    pub(crate) stop: &'a AtomicBool,
}

/// Chunks are counted over all units that are run, in array order.
struct State {
    /// The next that a reader takes.
    next: usize,
    /// How many units will be run: fewer than wanted once told to stop, or once
    /// a chunk of the next one has failed.
    units: usize,
    /// Encoded, and waiting for those before them in their shard.
    encoded: HashMap<usize, EncodedChunk>,
    /// How many are written.
    written: usize,
    stopped: bool,
    failure: Option<Failure>,
}

/// What kept a unit from being stored.
struct Failure {
    /// Its place among those that are run.
    unit: usize,
    error: PipelineError,
}

struct Shared<'a> {
    pipeline: &'a Pipeline<'a>,
    /// The units to run, ascending.
    units: &'a [Unit],
    chunks: usize,
    files: Buffers,
    stored: Buffers,
    state: Mutex<State>,
    /// The next unit that a storer takes.
    next_to_store: AtomicUsize,
    /// A chunk was written.
    written: Condvar,
    /// A chunk was encoded, or none will be.
    encoded: Condvar,
}

impl Pipeline<'_> {
    /// Runs `units`, which ascend, and returns what is kept of each in that
    /// order: fewer when it was told to stop.
    pub(crate) fn run(&self, units: &[Unit]) -> Result<Vec<StoredUnit>, PipelineError> {
        let shared = Shared {
            pipeline: self,
            units,
            chunks: units.iter().map(|unit| self.chunks_of(unit)).sum(),
            // Hardly a PNG is larger than its pixels.
            files: Buffers::of(self.plan.geometry().plane_bytes()),
            // The encoder makes room for the worst case.
            stored: Buffers::of(0),
            state: Mutex::new(State {
                next: 0,
                units: units.len(),
                encoded: HashMap::new(),
                written: 0,
                stopped: false,
                failure: None,
            }),
            next_to_store: AtomicUsize::new(0),
            written: Condvar::new(),
            encoded: Condvar::new(),
        };
        let mut units = thread::scope(|scope| {
            let (read, to_encode) = bounded(self.read_ahead());
            let storers = 0..self.output.writers();
            let storers: Vec<_> = storers
                .map(|_| scope.spawn(|| Storer::new(&shared).run()))
                .collect();
            for _ in 0..self.readers() {
                let read = read.clone();
                scope.spawn(|| shared.read(read));
            }
            for _ in 0..self.jobs.get() {
                let to_encode = to_encode.clone();
                scope.spawn(|| shared.work(to_encode));
            }
            drop((read, to_encode));
            let mut units = Vec::new();
            for storer in storers {
                match storer.join() {
                    Ok(stored) => units.extend(stored),
                    Err(panic) => std::panic::resume_unwind(panic),
                }
            }
            units
        });
        units.sort_by_key(|stored: &StoredUnit| stored.unit.shard);
        match shared.lock().failure.take() {
            Some(failure) => Err(failure.error),
            None => Ok(units),
        }
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
        self.jobs.get().max(self.source.read_hints().calls)
    }

    /// Chunks of a unit that a reader takes at once.
    fn chunks_a_read(&self) -> usize {
        let ReadHints { pixel_bytes, .. } = self.source.read_hints();
        let chunk_bytes = self.plan.geometry().chunk_bytes();
        (pixel_bytes / chunk_bytes.max(1)).max(1)
    }

    /// Chunks that wait for a worker, beside those that readers have in hand.
    fn read_ahead(&self) -> usize {
        if self.source.read_hints().is_steady {
            self.jobs.get()
        } else {
            self.readers()
        }
    }

    /// Chunks that may be under way at once.
    fn chunks_in_flight(&self) -> usize {
        let in_turn = if self.source.read_hints().is_steady {
            1
        } else {
            CHUNKS_A_THREAD
        };
        let a_reader = self.chunks_a_read().max(in_turn);
        CHUNKS_A_THREAD * self.jobs.get() + 2 * a_reader * self.readers()
    }
}

impl Shared<'_> {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A reader: takes chunks until there are none, or something failed.
    fn read(&self, read: Sender<ReadChunk>) {
        let _guard = StopOnPanic(self);
        while let Some((first, tasks)) = self.take_tasks() {
            for chunk in self.pipeline.read(first, tasks, &self.files) {
                // The workers are gone only when something failed.
                let _ = read.send(chunk);
            }
        }
    }

    /// A worker: encodes what the readers have read.
    fn work(&self, to_encode: Receiver<ReadChunk>) {
        let _guard = StopOnPanic(self);
        let mut worker = ChunkWorker::new(self.pipeline, &self.files, &self.stored);
        for read in to_encode {
            let number = read.number;
            let unit = number / self.pipeline.chunks_per_unit();
            if !self.is_wanted(unit) {
                continue;
            }
            match worker.encode(read) {
                Ok(encoded) => {
                    self.lock().encoded.insert(number, encoded);
                    self.encoded.notify_all();
                }
                Err(error) => self.fail(unit, error),
            }
        }
    }

    /// The next chunks of a unit that are read at once, and the number of the
    /// first; waits while too many are under way.
    fn take_tasks(&self) -> Option<(usize, Vec<ChunkAddress>)> {
        let per_unit = self.pipeline.chunks_per_unit();
        let a_read = self.pipeline.chunks_a_read();
        let in_flight = self.pipeline.chunks_in_flight();
        let mut state = self.lock();
        loop {
            let (unit, chunk) = (state.next / per_unit, state.next % per_unit);
            if state.stopped || state.next == self.chunks || unit >= state.units {
                return None;
            }
            if chunk == 0 && self.pipeline.stop.load(Ordering::Relaxed) {
                state.units = unit;
                self.encoded.notify_all();
                return None;
            }
            let rest = (self.chunks - state.next).min(per_unit - chunk);
            let count = a_read.min(rest);
            if state.next + count <= state.written + in_flight {
                let first = state.next;
                state.next += count;
                let unit = self.units.get(unit)?;
                let geometry = self.pipeline.plan.geometry();
                let task = |chunk| ChunkAddress::new(geometry, unit, chunk);
                return Some((first, (chunk..chunk + count).map(task).collect()));
            }
            state = self
                .written
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Whether the unit at that place will be stored.
    fn is_wanted(&self, unit: usize) -> bool {
        let state = self.lock();
        !state.stopped && unit < state.units
    }

    /// Remembers the failure of the first unit that has one, and that only those
    /// before it will be stored: what they have cost is not thrown away.
    fn fail(&self, unit: usize, error: PipelineError) {
        let mut state = self.lock();
        state.units = state.units.min(unit);
        if state.failure.as_ref().is_none_or(|first| unit < first.unit) {
            state.failure = Some(Failure { unit, error });
        }
        drop(state);
        self.written.notify_all();
        self.encoded.notify_all();
    }

    fn stop(&self) {
        self.lock().stopped = true;
        self.written.notify_all();
        self.encoded.notify_all();
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
