//! How far a run is: the one lock on which its threads wait for each other.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use super::capacity::Capacity;
use super::chunks::EncodedChunk;
use super::error::PipelineError;

/// Progress of the chunks and units of a run. Chunks are numbered over all its units
/// in array order, and so are the units.
pub(super) struct Progress<'a> {
    /// Chunks of all units.
    chunks: usize,
    chunks_per_unit: usize,
    chunks_a_read: usize,
    in_flight: usize,
    /// Once true, no further unit begins.
    stop: &'a AtomicBool,
    state: Mutex<State>,
    /// Notified when a chunk was written, or when the run ends early.
    chunk_written: Condvar,
    /// Notified when a chunk was encoded, or when fewer units will be stored.
    chunk_encoded: Condvar,
}

struct State {
    /// The chunk that a reader takes next.
    next_chunk: usize,
    /// The unit that a storer takes next.
    next_unit: usize,
    /// Units that will be stored: fewer than wanted after a stop, or after a failure in
    /// the unit that follows them.
    units: usize,
    /// Encoded chunks that wait for those before them in their shard.
    encoded: HashMap<usize, EncodedChunk>,
    /// Chunks written to their shards.
    written: usize,
    /// Whether a thread has panicked.
    has_panicked: bool,
    failure: Option<Failure>,
}

/// The first failure in array order.
struct Failure {
    unit: usize,
    error: PipelineError,
}

impl<'a> Progress<'a> {
    /// Begins a run of `chunks` chunks in `units` units.
    pub(super) fn new(
        units: usize,
        chunks: usize,
        chunks_per_unit: usize,
        capacity: &Capacity,
        stop: &'a AtomicBool,
    ) -> Self {
        Self {
            chunks,
            chunks_per_unit,
            chunks_a_read: capacity.chunks_a_read,
            in_flight: capacity.in_flight,
            stop,
            state: Mutex::new(State {
                next_chunk: 0,
                next_unit: 0,
                units,
                encoded: HashMap::new(),
                written: 0,
                has_panicked: false,
                failure: None,
            }),
            chunk_written: Condvar::new(),
            chunk_encoded: Condvar::new(),
        }
    }

    /// Takes the next chunks of a unit that are read at once. Waits while too many are
    /// under way; `None` when there are no more to take.
    pub(super) fn take_chunks(&self) -> Option<Range<usize>> {
        let mut state = self.lock();
        loop {
            let first = state.next_chunk;
            let (unit, chunk) = (first / self.chunks_per_unit, first % self.chunks_per_unit);
            if state.has_panicked || first == self.chunks || unit >= state.units {
                return None;
            }
            // The flag orders no other memory, so that Relaxed is enough: a reader that
            // sees it late begins one unit more.
            if chunk == 0 && self.stop.load(Ordering::Relaxed) {
                state.units = unit;
                self.chunk_encoded.notify_all();
                return None;
            }
            let left = (self.chunks - first).min(self.chunks_per_unit - chunk);
            let end = first + self.chunks_a_read.min(left);
            if end <= state.written + self.in_flight {
                state.next_chunk = end;
                return Some(first..end);
            }
            let waited = self.chunk_written.wait(state);
            state = waited.unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Takes the next unit to store, once its first chunk is encoded. `None` when no
    /// further unit will be stored.
    pub(super) fn take_unit(&self) -> Option<usize> {
        let unit = {
            let mut state = self.lock();
            let unit = state.next_unit;
            state.next_unit += 1;
            unit
        };
        let first_chunk = unit * self.chunks_per_unit;
        let state = self.wait_for(first_chunk)?;
        drop(state);
        Some(unit)
    }

    /// Takes an encoded chunk. Waits for it; `None` when its unit will not be stored.
    pub(super) fn take_encoded(&self, chunk: usize) -> Option<EncodedChunk> {
        self.wait_for(chunk)?.encoded.remove(&chunk)
    }

    /// Waits until a chunk is encoded; `None` when its unit will not be stored.
    fn wait_for(&self, chunk: usize) -> Option<MutexGuard<'_, State>> {
        let unit = self.unit_of(chunk);
        let mut state = self.lock();
        while !state.has_panicked && unit < state.units {
            if state.encoded.contains_key(&chunk) {
                return Some(state);
            }
            let waited = self.chunk_encoded.wait(state);
            state = waited.unwrap_or_else(PoisonError::into_inner);
        }
        None
    }

    /// Hands an encoded chunk to the storer of its unit.
    pub(super) fn add_encoded(&self, chunk: usize, encoded: EncodedChunk) {
        self.lock().encoded.insert(chunk, encoded);
        self.chunk_encoded.notify_all();
    }

    /// Counts one more written chunk.
    pub(super) fn add_written(&self) {
        self.lock().written += 1;
        self.chunk_written.notify_all();
    }

    /// The unit of a chunk.
    pub(super) fn unit_of(&self, chunk: usize) -> usize {
        chunk / self.chunks_per_unit
    }

    /// Whether that unit will be stored.
    pub(super) fn is_wanted(&self, unit: usize) -> bool {
        let state = self.lock();
        !state.has_panicked && unit < state.units
    }

    /// Gives up all units that are not stored yet: threads that wait for their chunks end. A
    /// unit whose last chunk is written is still stored.
    pub(super) fn drop_rest(&self) {
        self.lock().units = 0;
        self.notify_all();
    }

    /// Keeps the failure of the first unit in array order that has one. Only the units
    /// before it will be stored: the work on them is not thrown away.
    pub(super) fn fail(&self, unit: usize, error: PipelineError) {
        let mut state = self.lock();
        state.units = state.units.min(unit);
        if state.failure.as_ref().is_none_or(|first| unit < first.unit) {
            state.failure = Some(Failure { unit, error });
        }
        drop(state);
        self.notify_all();
    }

    /// The failure that was kept.
    pub(super) fn into_failure(self) -> Option<PipelineError> {
        let state = self.state.into_inner();
        let state = state.unwrap_or_else(PoisonError::into_inner);
        state.failure.map(|failure| failure.error)
    }

    fn notify_all(&self) {
        self.chunk_written.notify_all();
        self.chunk_encoded.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ends the other threads when the thread that holds it panics, so that the panic is
/// reported and the others do not wait for ever.
pub(super) struct StopOnPanic<'a>(pub(super) &'a Progress<'a>);

impl Drop for StopOnPanic<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.lock().has_panicked = true;
            self.0.notify_all();
        }
    }
}
