//! The threads of a run.

use std::thread;

use crossbeam_channel::bounded;
use rxrx_metadata::Unit;

use super::capacity::Capacity;
use super::chunk::run_worker;
use super::error::PipelineError;
use super::inputs::Pipeline;
use super::read::run_reader;
use super::shared::Shared;
use super::storer::run_storer;
use crate::journal::StoredUnit;

impl Pipeline<'_> {
    /// Runs `units`, which ascend, and returns those that were stored in that order:
    /// fewer when the run was told to stop.
    pub(crate) fn run(&self, units: &[Unit]) -> Result<Vec<StoredUnit>, PipelineError> {
        let capacity = self.capacity();
        let shared = Shared::new(self, units, &capacity);
        let mut stored = run_threads(&shared, &capacity);
        stored.sort_by_key(|stored| stored.unit.shard);
        match shared.progress.into_failure() {
            Some(error) => Err(error),
            None => Ok(stored),
        }
    }
}

/// Runs all threads and returns the units that the storers have stored.
fn run_threads(shared: &Shared<'_>, capacity: &Capacity) -> Vec<StoredUnit> {
    thread::scope(|scope| {
        let (read, to_encode) = bounded(capacity.read_ahead);
        let storers = (0..capacity.storers).map(|_| scope.spawn(|| run_storer(shared)));
        let storers: Vec<_> = storers.collect();
        for _ in 0..capacity.readers {
            let read = read.clone();
            scope.spawn(|| run_reader(shared, read));
        }
        for _ in 0..capacity.workers {
            let to_encode = to_encode.clone();
            scope.spawn(|| run_worker(shared, to_encode));
        }
        // The channel closes when the last reader ends.
        drop((read, to_encode));
        let mut stored = Vec::new();
        for storer in storers {
            match storer.join() {
                Ok(units) => stored.extend(units),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        stored
    })
}
