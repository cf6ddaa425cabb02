//! Runs the units of a plan on all cores.
//!
//! ```text
//! next chunk ──> worker: read, decode, measure, encode ──┐
//! next chunk ──> worker: read, decode, measure, encode ──┼─> open units ─(full)─> storer: put
//!      ...                                                ┘
//! ```
//!
//! The workers share one queue of chunks in array order, so that a unit of 64
//! chunks keeps 64 cores busy and one core never waits for another at the end
//! of a unit. A worker takes a chunk from file bytes to encoded bytes while it
//! is in cache; whole raw shards never exist. A unit whose last chunk arrives
//! goes to a thread of its own that puts it, so that writing and flushing stall
//! nobody.
//!
//! **Memory.** At most `2 + ceil(jobs / chunks in a unit)` units are open or on
//! their way to the store, each at most as large as its encoded shard; each
//! worker has one raw chunk and one image file. With RxRx1's defaults (48 MB
//! shards, 1.5 MiB chunks) and 2 jobs that is about 150 MB.

mod chunk;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::ops::Range;
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use rxrx_decoder::DecodeError;
use rxrx_metadata::{Plan, Unit};

use self::chunk::{ChunkWorker, EncodedChunk};
use crate::codec::{ChunkEncoder, CodecError};
use crate::events::{Event, Observer};
use crate::output::Output;
use crate::record::{PlaneRecord, UnitRecord};
use crate::shard::Shard;
use crate::source::Source;
use crate::store::StoreError;

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
    /// A shard could not be stored.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Everything that the units of one conversion share.
pub(crate) struct Pipeline<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) source: &'a dyn Source,
    pub(crate) encoder: &'a ChunkEncoder,
    pub(crate) output: &'a Output<'a>,
    pub(crate) observer: &'a dyn Observer,
    pub(crate) jobs: NonZeroUsize,
    /// Stop at the first image that cannot be used.
    pub(crate) strict: bool,
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
    state: Mutex<State>,
    changed: Condvar,
}

impl Pipeline<'_> {
    /// Runs every unit; the records come in array order.
    pub(crate) fn run(&self) -> Result<Vec<UnitRecord>, PipelineError> {
        let shared = Shared {
            pipeline: self,
            state: Mutex::default(),
            changed: Condvar::new(),
        };
        let mut records = thread::scope(|scope| {
            let (sender, receiver) = mpsc::channel();
            let storer = scope.spawn(|| shared.store_units(receiver));
            for _ in 0..self.jobs.get() {
                let sender = sender.clone();
                scope.spawn(|| shared.work(sender));
            }
            drop(sender);
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
        (geometry.shard_sites / geometry.chunk_sites) * self.channel_chunks()
    }

    fn channel_chunks(&self) -> usize {
        let geometry = self.plan.geometry();
        geometry.channels.div_ceil(geometry.chunk_channels)
    }

    /// The channels of one chunk in a row of the chunk grid.
    fn channels_of(&self, chunk: usize) -> Range<usize> {
        let geometry = self.plan.geometry();
        let start = chunk * geometry.chunk_channels;
        start..geometry.channels.min(start + geometry.chunk_channels)
    }

    /// All chunks: only the last unit can have fewer than the others.
    fn chunks(&self) -> usize {
        let geometry = self.plan.geometry();
        geometry.sites.div_ceil(geometry.chunk_sites) * self.channel_chunks()
    }

    /// Units that may be open or on their way to the store at once.
    fn units_in_flight(&self) -> usize {
        2 + self.jobs.get().div_ceil(self.chunks_per_unit())
    }

    /// Lays out the shard of a full unit, puts it and records it.
    fn store_unit(&self, FullUnit { unit, chunks }: FullUnit) -> Result<UnitRecord, PipelineError> {
        let geometry = self.plan.geometry();
        let sites = unit.sites.len();
        let mut planes = Vec::with_capacity(sites * geometry.channels);
        let mut bytes = Vec::with_capacity(geometry.chunks_per_shard());
        // Chunks of one row of the grid hold the same sites, channel by channel.
        let mut rows = chunks.into_iter();
        for first_site in (0..sites).step_by(geometry.chunk_sites) {
            let row: Vec<EncodedChunk> = rows.by_ref().take(self.channel_chunks()).collect();
            let mut by_channels: Vec<_> = row
                .into_iter()
                .map(|chunk| {
                    bytes.push(Some(chunk.bytes));
                    chunk.planes.into_iter()
                })
                .collect();
            for _ in first_site..sites.min(first_site + geometry.chunk_sites) {
                for (chunk, planes_of_chunk) in by_channels.iter_mut().enumerate() {
                    let channels = self.channels_of(chunk).len();
                    planes.extend(planes_of_chunk.by_ref().take(channels));
                }
            }
        }
        bytes.resize_with(geometry.chunks_per_shard(), || None);

        let shard = Shard::assemble(bytes);
        let key = unit.shard_key();
        let parts = shard.parts();
        self.output.put(&key, &parts)?;
        let stored_bytes = parts.iter().map(|part| part.len() as u64).sum();
        self.observer.notice(Event::UnitStored {
            key: &key,
            bytes: stored_bytes,
        });
        let ranges = shard.ranges().chunks(self.channel_chunks());
        let ranges = ranges.filter_map(|row| {
            let start = row.first()?.as_ref()?.start;
            let end = row.last()?.as_ref()?.end;
            Some(start..end)
        });
        let ranges = ranges.flat_map(|range| std::iter::repeat_n(range, geometry.chunk_sites));
        Ok(UnitRecord {
            unit,
            bytes: stored_bytes,
            ranges: ranges.take(sites).collect(),
            planes,
        })
    }
}

impl Shared<'_> {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A worker: takes chunks until there are none, or something failed.
    fn work(&self, full_units: Sender<FullUnit>) {
        let _guard = StopOnPanic(self);
        let mut worker = ChunkWorker::new(self.pipeline);
        while let Some((unit, chunk)) = self.take_chunk() {
            match worker.encode(&unit, chunk) {
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
            match self.pipeline.store_unit(unit) {
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

    /// The next chunk as (unit, chunk within the unit); waits while too many
    /// units are in flight.
    fn take_chunk(&self) -> Option<(Unit, usize)> {
        let per_unit = self.pipeline.chunks_per_unit();
        let total = self.pipeline.chunks();
        let in_flight = self.pipeline.units_in_flight();
        let mut state = self.lock();
        loop {
            if state.stopped || state.next_chunk == total {
                return None;
            }
            let number = state.next_chunk / per_unit;
            if number < state.stored + in_flight {
                let chunk = state.next_chunk % per_unit;
                if chunk == 0 {
                    let remaining = per_unit.min(total - number * per_unit);
                    let chunks = (0..remaining).map(|_| None).collect();
                    state.open.insert(number, OpenUnit { chunks, remaining });
                }
                state.next_chunk += 1;
                return self.pipeline.plan.unit(number).map(|unit| (unit, chunk));
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

/// Tells the observer of each image that could not be used.
fn notice_refused(observer: &dyn Observer, path: &str, record: &PlaneRecord) {
    if let PlaneRecord::Corrupt { error, .. } = record {
        observer.notice(Event::PlaneRefused { path, error });
    }
}
