//! The threads of a run.

use std::io;
use std::sync::atomic::Ordering;
use std::thread::{self, Builder};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, bounded};
use rxrx_metadata::Unit;

use super::capacity::Capacity;
use super::chunk::run_worker;
use super::error::PipelineError;
use super::inputs::Pipeline;
use super::read::run_reader;
use super::shared::Shared;
use super::storer::run_storer;
use crate::events::Event;
use crate::journal::StoredUnit;

/// How often the flag that stops a run is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(50);

impl Pipeline<'_> {
    /// Runs `units`, which ascend, and returns those that were stored in that order:
    /// fewer when the run was told to stop.
    pub(crate) fn run(&self, units: &[Unit]) -> Result<Vec<StoredUnit>, PipelineError> {
        let capacity = self.capacity;
        let shared = Shared::new(self, units, &capacity);
        let mut stored = run_threads(&shared, &capacity);
        stored.sort_by_key(|stored| stored.unit.shard);
        match shared.progress.into_failure() {
            Some(error) => Err(error),
            None => Ok(stored),
        }
    }
}

/// Runs all threads, or none of them to the end, and returns the units that the storers have stored.
fn run_threads(shared: &Shared<'_>, capacity: &Capacity) -> Vec<StoredUnit> {
    thread::scope(|scope| {
        let (read, to_encode) = bounded(capacity.read_ahead);
        let mut storers = Vec::new();
        let mut start = || -> io::Result<()> {
            for _ in 0..capacity.storers {
                storers.push(Builder::new().spawn_scoped(scope, || run_storer(shared))?);
            }
            for _ in 0..capacity.readers {
                let read = read.clone();
                Builder::new().spawn_scoped(scope, || run_reader(shared, read))?;
            }
            for _ in 0..capacity.workers {
                let to_encode = to_encode.clone();
                Builder::new().spawn_scoped(scope, || run_worker(shared, to_encode))?;
            }
            Ok(())
        };
        if let Err(source) = start() {
            // No unit will be stored: the threads that were started end.
            shared.progress.fail(0, PipelineError::Thread { source });
        }
        // The channel closes when the last reader ends.
        drop((read, to_encode));
        // Without this thread, all units that have begun are finished after a stop.
        let (running, ended) = bounded(0);
        let _ = Builder::new().spawn_scoped(scope, || end_in_time(shared, ended));
        let mut stored = Vec::new();
        for storer in storers {
            match storer.join() {
                Ok(units) => stored.extend(units),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        drop(running);
        stored
    })
}

/// Tells that the run was asked to stop, and gives up what is left of its units when their
/// time is over. Returns when `ended` is closed.
fn end_in_time(shared: &Shared<'_>, ended: Receiver<()>) {
    let Pipeline {
        observer,
        stop,
        grace,
        ..
    } = *shared.pipeline;
    let mut stopped = None;
    while ended.recv_timeout(LOOK_EVERY) == Err(RecvTimeoutError::Timeout) {
        match stopped {
            // The flag orders no other memory.
            None if stop.load(Ordering::Relaxed) => {
                observer.notice(Event::Stopping { grace });
                stopped = Some(Instant::now());
            }
            Some(since) if Instant::now().duration_since(since) >= grace => {
                return shared.progress.drop_rest();
            }
            _ => {}
        }
    }
}
