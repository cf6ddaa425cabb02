//! An OUTPUT that this process has locked.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rxrx_format::{SwitchMark, keys};
use rxrx_reader::root_bytes;
use rxrx_storage::{Lock, LockError, StoreError, StoredObject, Version};

use super::error::OutputError;
use super::location::{OutputLocation, Recorded};
use super::own_keys::{own_keys, planned_keys};
use super::recorded_state::{Next, Phase, Plan, RecordedState, STATE};
use super::run_folder::{RunFolder, is_run_folder, new_run_folder};
use super::state::OutputState;
use crate::events::{Event, Observer};

/// How often an object that another process changes is looked at.
const LOOKS: usize = 5;

/// An OUTPUT that only this process writes.
pub(crate) struct LockedOutput {
    place: OutputLocation,
    lock: Box<dyn Lock>,
    /// The state that this process has read or written last.
    known: Mutex<Known>,
}

/// The recorded state, if there is one that can be read, and the version of its object.
#[derive(Default)]
struct Known {
    state: Option<RecordedState>,
    version: Option<Version>,
}

impl Known {
    fn of(recorded: Recorded) -> Self {
        Self {
            state: recorded.state.ok().flatten(),
            version: recorded.version,
        }
    }
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
            known: Mutex::new(Known::of(place.recorded()?)),
            place: place.clone(),
        })
    }

    /// Reads the state of OUTPUT and, where requests can arrive late, writes it once more
    /// with a new nonce: from then on, no change that another process has sent before can
    /// succeed.
    pub(crate) fn state(&self) -> Result<OutputState, OutputError> {
        let root = root_bytes(self.place.store())?;
        self.state_with_root(root.as_deref())
    }

    /// Does the work of [`Self::state`], with the root metadata that were read.
    pub(crate) fn state_with_root(&self, root: Option<&[u8]>) -> Result<OutputState, OutputError> {
        let recorded = self.place.recorded()?;
        *self.known() = Known {
            state: recorded.state.as_ref().ok().cloned().flatten(),
            version: recorded.version,
        };
        let found = self.place.state_of(root, recorded.state)?;
        if self.place.store().has_late_requests() {
            let known = self.known().state.clone();
            match (known, &found) {
                (Some(state), _) => self.record(state.phase, state.next)?,
                (None, OutputState::Sealed(_)) => self.record(Phase::Sealed, None)?,
                (None, _) => {}
            }
        }
        Ok(found)
    }

    /// Returns the dataset that is built to replace the one at OUTPUT.
    pub(crate) fn next(&self) -> Option<Next> {
        self.known().state.as_ref()?.next.clone()
    }

    /// Returns the nonce that tells this holder of the lock from all others.
    pub(super) fn nonce(&self) -> String {
        let known = self.known();
        let nonce = known.state.as_ref().map(|state| state.nonce.clone());
        nonce.unwrap_or_default()
    }

    /// Whether the recorded state says that a plan is carried out at OUTPUT.
    pub(crate) fn is_building(&self) -> bool {
        let known = self.known();
        let phase = known.state.as_ref().map(|state| &state.phase);
        matches!(phase, Some(Phase::Building(_) | Phase::Incomplete))
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

    /// Begins to carry out `plan` at an OUTPUT that has no dataset, or goes on with it.
    pub(crate) fn begin(&self, plan: Plan) -> Result<(), OutputError> {
        self.record(Phase::Building(plan), None)
    }

    /// Goes on with what is carried out at OUTPUT. Where requests can arrive late, a marker
    /// with the nonce of this holder is put in place of the root first: a root that an
    /// earlier process has sent can no longer be stored over objects that change now.
    pub(crate) fn go_on(&self) -> Result<(), OutputError> {
        if !self.place.store().has_late_requests() {
            return Ok(());
        }
        let mark = SwitchMark {
            run: "building".to_owned(),
            holder: self.nonce(),
        };
        self.put_marker(keys::ROOT_METADATA, &mark.marker())
    }

    /// Puts a marker in place of whatever is there.
    pub(super) fn put_marker(&self, key: &str, marker: &[u8]) -> Result<(), OutputError> {
        let store = self.place.store();
        for _ in 0..LOOKS {
            let there = store.get_version(key, keys::bytes_at_most(key))?;
            if there.as_ref().is_some_and(|(bytes, _)| bytes == marker) {
                return Ok(());
            }
            let version = there.as_ref().map(|(_, version)| version);
            if store.put_if(key, marker, version)?.is_some() {
                return Ok(());
            }
        }
        Err(OutputError::Changed {
            object: self.place.output().join(key),
        })
    }

    /// Returns the folder in which `plan` is built, to replace what is at OUTPUT. It is the
    /// one that is recorded, if `goes_on` says so of its plan; otherwise a new one is
    /// recorded, and the former one is removed.
    ///
    /// # Errors
    /// [`OutputError::ForeignFile`] when an object of somebody else lies where an object of
    /// the plan belongs.
    pub(crate) fn begin_next(
        &self,
        plan: Plan,
        kept_root: Option<String>,
        goes_on: impl Fn(&Next) -> bool,
    ) -> Result<RunFolder, OutputError> {
        self.demand_exclusive()?;
        self.place.refuse_foreign_files()?;
        let phase = self.phase();
        let planned = planned_keys(&plan);
        let mut ours = self.own_keys()?;
        if phase == Phase::Incomplete {
            // The state, which cannot be read, says at least that a run has begun here.
            let there = self.place.store().list()?.into_iter();
            let there = there.map(|object| object.key);
            ours.extend(there.filter(|key| key != keys::CARD && planned.contains(key)));
        }
        self.refuse_occupied(&ours, &planned)?;
        let former = self.next();
        let next = match former.clone().filter(goes_on) {
            Some(next) => Next { plan, ..next },
            None => Next {
                folder: new_run_folder()?,
                plan,
                kept_root,
            },
        };
        let folder = self.place.run_folder(&next.folder);
        let folder_before = former.filter(|former| former.folder != next.folder);
        self.record(phase, Some(next))?;
        if let Some(former) = folder_before {
            self.place.run_folder(&former.folder).give_up()?;
        }
        folder.put_former(&ours.into_iter().collect::<Vec<_>>())?;
        Ok(folder)
    }

    /// Demands that no object of somebody else has one of those keys. The card is an
    /// exception, which people edit.
    pub(super) fn refuse_occupied(
        &self,
        ours: &BTreeSet<String>,
        keys: &BTreeSet<String>,
    ) -> Result<(), OutputError> {
        let there = self.place.store().list()?.into_iter();
        let mut occupied = there.filter(|object| {
            object.key != keys::CARD && keys.contains(&object.key) && !ours.contains(&object.key)
        });
        match occupied.next() {
            Some(object) => Err(OutputError::ForeignFile {
                path: self.place.output().join(&object.key),
            }),
            None => Ok(()),
        }
    }

    /// Returns the keys of the objects at OUTPUT that are ours.
    pub(super) fn own_keys(&self) -> Result<BTreeSet<String>, OutputError> {
        let store = self.place.store();
        let mut more = self.left_behind();
        let mut ours = match self.phase() {
            Phase::Building(plan) => own_keys(store, Some(&plan))?,
            Phase::Incomplete | Phase::Sealed => own_keys(store, None)?,
            Phase::Switching(next) => {
                // Some objects are those of the former dataset, others new ones.
                more.extend(self.place.run_folder(&next.folder).former()?);
                own_keys(store, Some(&next.plan))?
            }
        };
        if !more.is_empty() {
            let there = store.list()?.into_iter().map(|object| object.key);
            ours.extend(there.filter(|key| more.contains(key)));
        }
        Ok(ours)
    }

    /// Returns the keys of our objects that belong to no dataset any more.
    pub(super) fn left_behind(&self) -> BTreeSet<String> {
        let known = self.known();
        let state = known.state.as_ref();
        state.map_or_else(BTreeSet::new, |state| state.left_behind.clone())
    }

    /// Notes the keys of our objects that belong to no dataset any more, for the next change
    /// of the state.
    pub(super) fn leave_behind(&self, keys: BTreeSet<String>) {
        if let Some(state) = &mut self.known().state {
            state.left_behind = keys;
        }
    }

    /// Returns the recorded phase. Without one, a dataset was sealed, or something
    /// incomplete is there.
    pub(super) fn phase(&self) -> Phase {
        let known = self.known();
        match (&known.state, &known.version) {
            (Some(state), _) => state.phase.clone(),
            (None, None) => Phase::Sealed,
            (None, Some(_)) => Phase::Incomplete,
        }
    }

    /// Records a change of the state.
    ///
    /// # Errors
    /// [`OutputError::Changed`] when another process has changed it.
    pub(super) fn record(&self, phase: Phase, next: Option<Next>) -> Result<(), OutputError> {
        let left_behind = self.left_behind();
        let state = RecordedState::new(phase, next, left_behind)?;
        let entry = state.encode()?;
        let there = self.known().version.clone();
        let store = self.place.work_store();
        let stored = store.put_if(STATE, &entry, there.as_ref())?;
        let version = match stored {
            Some(version) => version,
            None => self.version_of(&state)?,
        };
        *self.known() = Known {
            state: Some(state),
            version: Some(version),
        };
        Ok(())
    }

    /// Returns the version of the recorded state, which must be `state`: the answer to the
    /// request that stored it was lost.
    fn version_of(&self, state: &RecordedState) -> Result<Version, OutputError> {
        let found = self.place.recorded()?;
        match (found.state, found.version) {
            (Ok(Some(found)), Some(version)) if found.nonce == state.nonce => Ok(version),
            _ => Err(OutputError::Changed {
                object: self.place.in_work(STATE),
            }),
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the location that is locked.
    pub(crate) fn place(&self) -> &OutputLocation {
        &self.place
    }

    /// Demands that the lock is still held.
    pub(crate) fn check(&self) -> Result<(), OutputError> {
        Ok(self.lock.check()?)
    }

    /// Ends a run whose dataset is sealed. The journal stays until the root metadata are
    /// durable: it makes the next run flush them once more. `not_flushed` is the error of their
    /// flush, if it failed.
    pub(crate) fn release_sealed(self, not_flushed: Option<StoreError>, observer: &dyn Observer) {
        let flush = || self.place.store().flush_name(keys::ROOT_METADATA).err();
        match not_flushed.or_else(flush) {
            None => self.release(),
            Some(error) => {
                let error = format!("{error}: {}", error.source);
                observer.notice(Event::NotFlushed { error: &error });
            }
        }
    }

    /// Removes the work folder: the dataset is sealed. Where requests can arrive late, the
    /// state stays, so that no late one finds its key free.
    pub(crate) fn release(self) {
        // The dataset is complete, even if this fails. Without the state, or with this one,
        // the rest of the work folder has no effect. If the lock is lost, the work folder may
        // be that of another process.
        let used = match self.phase() {
            Phase::Switching(next) => Some(next.folder),
            _ => None,
        };
        let sealed = self.check().and_then(|()| {
            if !self.place.store().has_late_requests() {
                return Ok(self.place.work_store().remove(STATE)?);
            }
            self.record(Phase::Sealed, None)?;
            match used {
                Some(folder) => Ok(self.place.run_folder(&folder).give_up()?),
                None => Ok(()),
            }
        });
        if sealed.is_ok() {
            // The objects of a run folder that was given up are empty, and stay, so that a
            // late put does not make them again.
            let is_emptied = |key: &str, size| {
                size == 0 && is_run_folder(key.split('/').next().unwrap_or_default())
            };
            let stays =
                |object: &StoredObject| object.key == STATE || is_emptied(&object.key, object.size);
            self.lock.remove_work(&stays);
        }
    }
}
