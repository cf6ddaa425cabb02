//! An OUTPUT that this process has locked.

use rxrx_format::keys;
use rxrx_storage::{Lock, LockError};

use super::error::OutputError;
use super::location::OutputLocation;
use super::own_keys::own_keys;
use crate::events::{Event, Observer};
use crate::journal::Run;

/// An OUTPUT that only this process writes.
pub(crate) struct LockedOutput {
    place: OutputLocation,
    lock: Box<dyn Lock>,
}

impl LockedOutput {
    /// Locks `place`, so that nobody else writes it. The observer is told if another
    /// process may be writing and that takes time to find out.
    pub(crate) fn take(
        place: &OutputLocation,
        observer: &dyn Observer,
    ) -> Result<Self, OutputError> {
        let waiting = |holder: &str| observer.notice(Event::WaitingForLease { holder });
        let lock = place.take_lock(&waiting)?;
        if let Some(checksum) = lock.other_checksum() {
            observer.notice(Event::OtherChecksum { checksum });
        }
        Ok(Self {
            lock,
            place: place.clone(),
        })
    }

    /// Makes durable what a process that was killed has put or removed: the root, and
    /// entries of the journal. What this process found must survive a loss of power
    /// before anything that relies on it is written.
    pub(crate) fn flush_names(&self) -> Result<(), OutputError> {
        self.place.store().flush_name(keys::ROOT_METADATA)?;
        Ok(self.place.journal().flush()?)
    }

    /// Returns whether the lock excludes other processes. If not, nobody else may write
    /// there.
    pub(crate) fn is_exclusive(&self) -> bool {
        self.lock.is_exclusive()
    }

    /// Demands that the lock excludes other processes, so that something complete may be
    /// replaced.
    pub(crate) fn demand_exclusive(&self) -> Result<(), OutputError> {
        if self.is_exclusive() {
            return Ok(());
        }
        let path = self.place.output().clone();
        Err(LockError::NoConditionalPut { path }.into())
    }

    /// Returns whether names survive a loss of power: see [`Lock::keeps_names`].
    pub(crate) fn keeps_names(&self) -> bool {
        self.lock.keeps_names()
    }

    /// Begins `run` at an OUTPUT that is free.
    pub(crate) fn begin(&self, run: &Run) -> Result<(), OutputError> {
        let run = Run {
            cleared: true,
            remove: Vec::new(),
            ..run.clone()
        };
        Ok(self.place.journal().begin(&run)?)
    }

    /// Removes the dataset, or the remains of one, that is at OUTPUT, and begins
    /// `run`. An interruption leaves the complete old dataset or the beginning of
    /// the new one.
    pub(crate) fn begin_over(&self, run: &Run) -> Result<(), OutputError> {
        self.place.refuse_foreign_files()?;
        let journal = self.place.journal();
        let remove = own_keys(self.place.store(), &journal)?;
        journal.clear()?;
        journal.begin(&Run {
            cleared: false,
            remove: remove.clone(),
            ..run.clone()
        })?;
        self.clear_output(&remove)?;
        self.begin(run)
    }

    /// Removes our objects from OUTPUT, and its folders if they are empty then.
    fn clear_output(&self, ours: &[String]) -> Result<(), OutputError> {
        // The root metadata is removed first: from then on, no reader takes the rest
        // for a dataset. The list of checksums comes last.
        let store = self.place.store();
        store.remove(keys::ROOT_METADATA)?;
        if let Some((last, others)) = ours.split_last() {
            store.remove_all(others)?;
            store.remove(last)?;
        }
        self.place.remove_output()
    }

    /// Makes a complete dataset an unfinished one, of which `run` converts the
    /// retried units once more. The journal must have the records of those units.
    pub(crate) fn reopen(&self, run: &Run) -> Result<(), OutputError> {
        self.begin(run)?;
        Ok(self.place.store().remove(keys::ROOT_METADATA)?)
    }

    /// Demands that the lock is still held.
    pub(crate) fn check(&self) -> Result<(), OutputError> {
        Ok(self.lock.check()?)
    }

    /// Removes the work folder: the dataset is sealed.
    pub(crate) fn release(self) {
        // The dataset is complete, even if this fails. Without the description of
        // the run, the rest of the work folder has no effect. If the lock is lost, the
        // work folder may be that of another process.
        if self.check().is_ok() && self.place.journal().end().is_ok() {
            self.lock.remove_work();
        }
    }
}
