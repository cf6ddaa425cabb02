//! Work that is done at once: neighbouring chunks, fetched and decoded.
//!
//! ```text
//! on a disk:          each thread: fetch -> decode -> fetch -> decode ...
//! in an object store: fetchers --(fetched work)--> decoders
//! ```
//!
//! **Threads.** The calling thread is one of those that decode. On a disk each thread
//! fetches what it decodes, into the memory that it had for the work before. In an object
//! store as many threads fetch as the store has use for, however few decode: they wait for
//! the network. All threads end before the call returns, so there is no pool that a fork
//! could break.
//!
//! **Progress.** A thread takes work from a queue whose lock it holds for no longer than
//! that. Fetchers wait for the store, or for a decoder to take what they fetched. Decoders
//! wait for fetchers; they go on taking work after a failure, and drop it, until all
//! fetchers have ended. No thread waits while it holds a lock, so no deadlock is possible.
//!
//! **Memory.** On a disk the stored bytes of one work a thread. In an object store those of
//! one work for each fetcher and two for each decoder. Beside that, a decoded chunk a thread
//! where chunks have more than one place.

use std::num::NonZeroUsize;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread::{self, Builder};
use std::vec;

use crossbeam_channel::{Receiver, Sender, bounded};
use rxrx_format::keys::shard_key;

use crate::chunk_position::ChunkPosition;
use crate::dataset::Dataset;
use crate::decode::Piece;
use crate::error::DatasetError;
use crate::request::{RequestLimits, merge};
use crate::scratch::ReadScratch;

/// One chunk to read; where planes are cut, all tiles of the same planes.
pub(crate) struct Task<'a> {
    pub(crate) chunk: ChunkPosition,
    /// The bytes of each tile in the shard.
    pub(crate) stored: Vec<Range<u64>>,
    pub(crate) pieces: Vec<Piece<'a>>,
}

/// Some chunks of one shard that lie near each other.
pub(crate) struct Work<'a> {
    shard: usize,
    /// The bytes to fetch, in the order of their starts.
    requests: Vec<Range<u64>>,
    tasks: Vec<Task<'a>>,
}

/// Work that no thread has taken yet.
struct Queue<'a> {
    work: Mutex<vec::IntoIter<Work<'a>>>,
    failure: Mutex<Option<DatasetError>>,
    /// Whether there is a failure. It orders no other memory: a thread that sees it late
    /// does work that nobody uses.
    has_failed: AtomicBool,
}

impl Task<'_> {
    /// The bytes from the first to the last tile, wherever tiles lie.
    fn span(&self) -> Range<u64> {
        let start = self.stored.iter().map(|range| range.start).min();
        let end = self.stored.iter().map(|range| range.end).max();
        start.unwrap_or_default()..end.unwrap_or_default()
    }
}

/// Puts chunks together whose bytes one request can read.
pub(crate) fn plan<'a>(
    tasks: Vec<Task<'a>>,
    shard_of: impl Fn(ChunkPosition) -> usize,
    limits: RequestLimits,
) -> Vec<Work<'a>> {
    let placed = tasks.into_iter();
    let mut placed: Vec<(usize, Range<u64>, Task<'a>)> = placed
        .map(|task| (shard_of(task.chunk), task.span(), task))
        .collect();
    placed.sort_by_key(|(shard, span, _)| (*shard, span.start, span.end));
    let mut groups: Vec<(usize, Range<u64>, Vec<Task<'a>>)> = Vec::new();
    for (shard, span, task) in placed {
        match groups.last_mut() {
            Some((last, all, tasks)) if *last == shard && limits.join(all, &span) => {
                all.end = all.end.max(span.end);
                tasks.push(task);
            }
            _ => groups.push((shard, span, vec![task])),
        }
    }
    let work = groups.into_iter().map(|(shard, _, tasks)| {
        let ranges = tasks.iter().flat_map(|task| task.stored.iter().cloned());
        Work {
            shard,
            requests: merge(&ranges.collect::<Vec<_>>(), limits),
            tasks,
        }
    });
    work.collect()
}

impl Dataset {
    /// Fetches and decodes all `work`.
    pub(crate) fn run(
        &self,
        work: Vec<Work<'_>>,
        threads: NonZeroUsize,
    ) -> Result<(), DatasetError> {
        let (readers, count) = (self.store.readers(), work.len());
        let queue = Queue {
            work: Mutex::new(work.into_iter()),
            failure: Mutex::default(),
            has_failed: AtomicBool::new(false),
        };
        let decoders = threads.get().min(count);
        if readers <= 1 || count < 2 {
            self.run_in_turn(&queue, decoders);
        } else {
            self.run_ahead(&queue, readers.max(decoders).min(count), decoders);
        }
        let failure = queue.failure.into_inner();
        let failure = failure.unwrap_or_else(PoisonError::into_inner);
        failure.map_or(Ok(()), Err)
    }

    /// Lets each of `threads` threads fetch what it decodes.
    fn run_in_turn(&self, queue: &Queue<'_>, threads: usize) {
        thread::scope(|scope| {
            for _ in 1..threads {
                // Fewer threads do the same work.
                let _ = Builder::new().spawn_scoped(scope, || self.in_turn(queue));
            }
            self.in_turn(queue);
        });
    }

    /// Lets `fetchers` threads fetch what `decoders` threads decode.
    fn run_ahead(&self, queue: &Queue<'_>, fetchers: usize, decoders: usize) {
        thread::scope(|scope| {
            let (fetched, to_decode) = bounded(decoders);
            let mut started = 0;
            for _ in 0..fetchers {
                let fetched = fetched.clone();
                let fetch = || self.fetch_ahead(queue, fetched);
                started += usize::from(Builder::new().spawn_scoped(scope, fetch).is_ok());
            }
            drop(fetched);
            if started == 0 {
                return self.in_turn(queue);
            }
            for _ in 1..decoders {
                let to_decode = to_decode.clone();
                let decode = || self.decode_fetched(queue, to_decode);
                let _ = Builder::new().spawn_scoped(scope, decode);
            }
            self.decode_fetched(queue, to_decode);
        });
    }

    /// Runs in each thread that fetches what it decodes.
    fn in_turn(&self, queue: &Queue<'_>) {
        let mut scratch = self.scratches.take();
        while let Some(work) = queue.next() {
            let mut stored = std::mem::take(&mut scratch.stored);
            queue.note(
                self.fetch(&work, &mut stored)
                    .and_then(|()| self.decode_work(work, &stored, &mut scratch)),
            );
            scratch.stored = stored;
        }
        self.scratches.give_back(scratch);
    }

    /// Runs in each thread that fetches only.
    fn fetch_ahead<'a>(&self, queue: &Queue<'a>, fetched: Sender<(Work<'a>, Vec<Vec<u8>>)>) {
        while let Some(work) = queue.next() {
            let mut stored = Vec::new();
            match self.fetch(&work, &mut stored) {
                // Decoders end after the fetchers, unless one panics; then the scope does.
                Ok(()) => drop(fetched.send((work, stored))),
                Err(error) => queue.note(Err(error)),
            }
        }
    }

    /// Runs in each thread that decodes only.
    fn decode_fetched<'a>(&self, queue: &Queue<'a>, fetched: Receiver<(Work<'a>, Vec<Vec<u8>>)>) {
        let mut scratch = self.scratches.take();
        for (work, stored) in fetched {
            if !queue.has_failed.load(Ordering::Relaxed) {
                queue.note(self.decode_work(work, &stored, &mut scratch));
            }
        }
        self.scratches.give_back(scratch);
    }

    /// Reads the bytes of all requests of `work`.
    fn fetch(&self, work: &Work<'_>, stored: &mut Vec<Vec<u8>>) -> Result<(), DatasetError> {
        let key = shard_key(work.shard);
        stored.resize_with(work.requests.len(), Vec::new);
        for (request, bytes) in work.requests.iter().zip(stored) {
            self.part_into(&key, request.clone(), bytes)?;
        }
        Ok(())
    }

    /// Decodes all chunks of `work`, whose requests gave `stored`.
    fn decode_work(
        &self,
        work: Work<'_>,
        stored: &[Vec<u8>],
        scratch: &mut ReadScratch,
    ) -> Result<(), DatasetError> {
        let mut chunks: Vec<&[u8]> = Vec::new();
        for mut task in work.tasks {
            chunks.clear();
            let ranges = task.stored.iter();
            chunks.extend(ranges.map(|range| part(&work.requests, stored, range)));
            self.decode(task.chunk, &chunks, &mut task.pieces, scratch)?;
        }
        Ok(())
    }
}

impl<'a> Queue<'a> {
    /// Takes the next work; none after a failure.
    fn next(&self) -> Option<Work<'a>> {
        if self.has_failed.load(Ordering::Relaxed) {
            return None;
        }
        let mut work = self.work.lock().unwrap_or_else(PoisonError::into_inner);
        work.next()
    }

    /// Keeps the first failure.
    fn note(&self, result: Result<(), DatasetError>) {
        if let Err(error) = result {
            self.has_failed.store(true, Ordering::Relaxed);
            let mut failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
            failure.get_or_insert(error);
        }
    }
}

/// The bytes of `range` among the answers to `requests`. No bytes where there are not enough
/// of them: the decoder then says that they are too few.
fn part<'a>(requests: &[Range<u64>], stored: &'a [Vec<u8>], range: &Range<u64>) -> &'a [u8] {
    // Requests do not overlap: the last one that begins before the range holds it.
    let behind = requests.partition_point(|request| request.start <= range.start);
    let part = behind.checked_sub(1).and_then(|at| {
        let (request, answer) = (requests.get(at)?, stored.get(at)?);
        let start = usize::try_from(range.start.checked_sub(request.start)?).ok()?;
        let end = usize::try_from(range.end.checked_sub(request.start)?).ok()?;
        answer.get(start..end)
    });
    part.unwrap_or(&[])
}
