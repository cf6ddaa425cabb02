//! OUTPUT and the work folder beside it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rxrx_format::keys;
use rxrx_reader::{Owner, parse_root, root_bytes};
use rxrx_storage::{
    FreeSpace, LeaseTimes, LocalBackend, Location, Lock, OutputBackend, Remote, RemoteBackend,
    Store, StoreError, UnfinishedUpload, Uploads, Version, Worker, folders_above, is_lock_entry,
    is_temporary, overlap,
};
use sha2::{Digest, Sha256};

use super::error::OutputError;
use super::lock_kind::LockKind;
use super::own_keys::recorded_checksums;
use super::recorded_state::{Phase, Plan, RecordedState, STATE, STATE_BYTES_AT_MOST};
use super::run_folder::{RunFolder, is_run_folder};
use super::state::OutputState;
use super::whole::first_problem;
use crate::events::{Event, Observer};
use crate::journal::{self, Journal, JournalError};

/// Suffix of the name of the work folder, after the name of OUTPUT.
const WORK_SUFFIX: &str = ".rxrx2zarr";

/// The recorded state and the version of its object.
pub(super) struct Recorded {
    pub(super) state: Result<Option<RecordedState>, JournalError>,
    pub(super) version: Option<Version>,
}

impl Default for Recorded {
    fn default() -> Self {
        Self {
            state: Ok(None),
            version: None,
        }
    }
}

/// OUTPUT and the work folder beside it, with their stores.
#[derive(Clone)]
pub(crate) struct OutputLocation {
    output: Location,
    work: Location,
    backend: Arc<dyn OutputBackend>,
    store: Arc<dyn Store>,
    work_store: Arc<dyn Store>,
}

impl OutputLocation {
    /// Returns the location of the dataset at `output`.
    pub(crate) fn new(output: impl Into<Location>) -> Result<Self, OutputError> {
        Self::locked_by(output, LockKind::default())
    }

    /// Returns the location of the dataset at `output`, which is locked in that way if it
    /// is a folder.
    pub(crate) fn locked_by(
        output: impl Into<Location>,
        lock: LockKind,
    ) -> Result<Self, OutputError> {
        Self::of_backend(output, lock, None)
    }

    /// Returns the location of the dataset at `output`, for a worker that writes shards into a
    /// file of the folder `scratch` first, if there is one and `output` is a folder.
    pub(crate) fn of_worker(
        output: impl Into<Location>,
        scratch: Option<PathBuf>,
    ) -> Result<Self, OutputError> {
        Self::of_backend(output, LockKind::default(), scratch)
    }

    fn of_backend(
        output: impl Into<Location>,
        lock: LockKind,
        scratch: Option<PathBuf>,
    ) -> Result<Self, OutputError> {
        let output = output.into();
        match &output {
            Location::Local(path) => {
                if path.file_name().is_none() {
                    return Err(OutputError::NoName { path: output });
                }
                let backend = LocalBackend::new(path, WORK_SUFFIX, STATE)?.with_scratch(scratch);
                let backend = match lock {
                    LockKind::System => backend,
                    LockKind::Lease => backend.with_lease(LeaseTimes::default()),
                };
                Ok(Self {
                    work: backend.work().into(),
                    store: Arc::new(backend.output_store()),
                    work_store: Arc::new(backend.work_store()),
                    backend: Arc::new(backend),
                    output,
                })
            }
            Location::Remote(address) => Self::in_store(Remote::folder(address)?),
        }
    }

    /// Returns the location of a dataset in an object store.
    pub(crate) fn in_store(output: Remote) -> Result<Self, OutputError> {
        let location = output.location();
        let backend = RemoteBackend::new(output, WORK_SUFFIX, STATE)?;
        Ok(Self {
            output: location,
            work: backend.work().location(),
            store: Arc::new(backend.output_store()),
            work_store: Arc::new(backend.work_store()),
            backend: Arc::new(backend),
        })
    }

    /// Wraps both stores.
    #[cfg(test)]
    pub(crate) fn wrapped(self, wrap: impl Fn(Arc<dyn Store>) -> Arc<dyn Store>) -> Self {
        Self {
            store: wrap(self.store),
            work_store: wrap(self.work_store),
            ..self
        }
    }

    /// Returns OUTPUT.
    pub(crate) fn output(&self) -> &Location {
        &self.output
    }

    /// Returns the store of the objects of OUTPUT.
    pub(crate) fn store(&self) -> &dyn Store {
        self.store.as_ref()
    }

    /// Returns the journal beside OUTPUT.
    pub(crate) fn journal(&self) -> Journal<'_> {
        Journal::new(self.work_store.as_ref())
    }

    /// Returns the keys of the objects in the work folder that have not changed for `age`, by
    /// the clock of the store. On a disk, where no request arrives late, those are all. The
    /// caller holds the lock.
    pub(super) fn old_work_keys(&self, age: Duration) -> Result<Vec<String>, OutputError> {
        Ok(self.backend.old_work_keys(age)?)
    }

    /// Lists the uploads of dead runs, of objects with reserved keys and of the work folder, and counts the
    /// younger ones; `None` where the store does not list them. The caller holds the lock.
    pub(super) fn unfinished_uploads(&self) -> Result<Option<Uploads>, OutputError> {
        Ok(self.backend.unfinished_uploads(&keys::is_reserved)?)
    }

    /// Gives up uploads of dead runs.
    pub(super) fn give_up_uploads(&self, uploads: &[UnfinishedUpload]) -> Result<(), OutputError> {
        Ok(self.backend.give_up_uploads(uploads)?)
    }

    /// Returns whether there is nothing in the work folder to go on with or to remove.
    pub(crate) fn is_settled(&self) -> Result<bool, OutputError> {
        if !self.backend.has_work()? {
            return Ok(true);
        }
        if !self.store.has_late_requests() {
            return Ok(false);
        }
        let recorded = self.recorded()?.state;
        Ok(recorded.is_ok_and(|state| state.is_some_and(|state| state.is_settled())))
    }

    /// Removes the folders of OUTPUT that have no more objects.
    pub(crate) fn remove_output(&self) -> Result<(), OutputError> {
        Ok(self.backend.remove_output()?)
    }

    fn is_absent_or_empty(&self) -> Result<bool, OutputError> {
        let entries = self.backend.output_entries()?;
        Ok(entries.is_some_and(|entries| entries.is_empty()))
    }

    /// Returns the SHA-256 of the root metadata in hexadecimal digits, if there are any.
    pub(crate) fn root_sha256(&self) -> Result<Option<String>, OutputError> {
        let root = root_bytes(self.store())?;
        Ok(root.map(|root| hex::encode(Sha256::digest(root))))
    }

    /// Demands that every object which the list of checksums names is there. A run that
    /// has put the root and then ended has not told that.
    pub(crate) fn demand_whole(&self) -> Result<(), OutputError> {
        let checksums = recorded_checksums(self.store())?;
        match first_problem(&checksums, self.store(), None)? {
            Some((key, problem)) => Err(OutputError::NotWhole {
                path: self.output.clone(),
                key,
                problem,
            }),
            None => Ok(()),
        }
    }

    /// Returns the store of the work folder.
    pub(crate) fn work_store(&self) -> &dyn Store {
        self.work_store.as_ref()
    }

    /// Returns the location of an object in the work folder.
    pub(super) fn in_work(&self, key: &str) -> Location {
        self.work.join(key)
    }

    /// Returns the run folder with that name.
    pub(crate) fn run_folder(&self, name: &str) -> RunFolder {
        RunFolder::new(&self.work_store, name)
    }

    /// Reads the recorded state and its version, if there is one.
    pub(super) fn recorded(&self) -> Result<Recorded, StoreError> {
        let found = self.work_store.get_version(STATE, STATE_BYTES_AT_MOST)?;
        Ok(match found {
            None => Recorded::default(),
            Some((bytes, version)) => Recorded {
                state: Some(RecordedState::parse(&bytes)).transpose(),
                version: Some(version),
            },
        })
    }

    /// Returns the state of OUTPUT. It can change at any time, unless the caller
    /// holds the lock.
    pub(crate) fn state(&self) -> Result<OutputState, OutputError> {
        let root = root_bytes(self.store())?;
        self.state_with_root(root.as_deref())
    }

    /// Returns the state of OUTPUT, whose root metadata are `root`.
    pub(crate) fn state_with_root(&self, root: Option<&[u8]>) -> Result<OutputState, OutputError> {
        if self.backend.work_entries()?.is_none() {
            return Ok(OutputState::Foreign);
        }
        let recorded = self.recorded()?.state;
        self.state_of(root, recorded)
    }

    /// Returns the state of OUTPUT, whose root metadata are `root` and whose state is
    /// `recorded` in the work folder.
    pub(super) fn state_of(
        &self,
        root: Option<&[u8]>,
        recorded: Result<Option<RecordedState>, JournalError>,
    ) -> Result<OutputState, OutputError> {
        let path = || self.output.clone();
        let owner = Owner::of_root_metadata(root);
        if owner == Owner::Other {
            return Ok(OutputState::Foreign);
        }
        if let Ok(Some(RecordedState {
            phase: Phase::Switching(next),
            ..
        })) = recorded
        {
            return Ok(OutputState::Switching(Box::new(next)));
        }
        match owner {
            // Unreadable root metadata may be a torn write of this program.
            Owner::Nobody | Owner::Unreadable | Owner::Other => {}
            Owner::Us => {
                let name = self.output.to_string();
                let root = root.and_then(|root| parse_root(root, &name).ok());
                return Ok(OutputState::Sealed(root.map(Box::new)));
            }
            // Whoever goes on with a plan has put it there.
            Owner::Marker if is_building(&recorded) => {}
            Owner::Marker => {
                let error = OutputError::Marked { path: path() };
                return Ok(OutputState::Damaged(Box::new(error)));
            }
        }
        let damaged = |error| Ok(OutputState::Damaged(Box::new(error)));
        let is_empty = self.is_absent_or_empty()?;
        match recorded {
            // A run without any record or object can begin again.
            Err(JournalError::Damaged { .. }) if is_empty && self.journal().recorded()? == 0 => {
                Ok(OutputState::Free)
            }
            Err(error) => damaged(error.into()),
            Ok(Some(recorded)) => match recorded.phase {
                Phase::Building(Plan::Convert(run)) => Ok(OutputState::Unfinished(run)),
                Phase::Building(plan) => Ok(OutputState::Unpublished(Box::new(plan))),
                _ if is_empty => Ok(OutputState::Free),
                _ => damaged(OutputError::NotWhole {
                    path: path(),
                    key: keys::ROOT_METADATA.to_owned(),
                    problem: "is missing",
                }),
            },
            Ok(None) if is_empty => Ok(OutputState::Free),
            Ok(None) => Ok(OutputState::Foreign),
        }
    }

    /// Returns the process that holds the lock alone, if there is one.
    pub(crate) fn holder_alone(&self) -> Result<Option<String>, OutputError> {
        Ok(self.backend.holder()?)
    }

    /// Returns the process that holds the lock, or one of the workers that hold it together.
    pub(crate) fn holder(&self) -> Result<Option<String>, OutputError> {
        let alone = self.holder_alone()?;
        let workers = self.workers()?.into_iter();
        let worker = workers
            .map(|worker| format!("{} ({})", worker.holder, worker.label))
            .next();
        Ok(alone.or(worker))
    }

    /// Returns the free space where OUTPUT is; `None` where it is unknown or has no limit.
    pub(crate) fn free_space(&self) -> Option<FreeSpace> {
        self.backend.free_space()
    }

    /// Takes the lock of OUTPUT and removes what torn writes have left in the work
    /// folder. `waiting` is called with the process that may hold the lock, if it takes
    /// time to find out.
    pub(super) fn take_lock(&self, waiting: &dyn Fn(&str)) -> Result<Box<dyn Lock>, OutputError> {
        refuse_foreign_files(&self.work, self.backend.work_entries()?, |name| {
            is_lock_entry(name)
                || is_temporary(name)
                || journal::is_entry(name)
                || name == STATE
                || is_run_folder(name)
        })?;
        Ok(self.backend.lock(waiting)?)
    }

    /// Takes the lock of OUTPUT together with other workers. `label` names the work of this one.
    /// The observer is told if another process may hold it alone and that takes time to find
    /// out.
    pub(crate) fn share(
        &self,
        label: &str,
        observer: &dyn Observer,
    ) -> Result<Box<dyn Lock>, OutputError> {
        let waiting = |holder: &str| observer.notice(Event::WaitingForLease { holder });
        let lock = self.backend.share(label, &waiting)?;
        if let Some(checksum) = lock.other_checksum() {
            observer.notice(Event::OtherChecksum { checksum });
        }
        Ok(lock)
    }

    /// Returns the workers that hold OUTPUT together.
    pub(crate) fn workers(&self) -> Result<Vec<Worker>, OutputError> {
        Ok(self.backend.workers()?)
    }

    /// Demands that OUTPUT holds only entries that a conversion writes.
    pub(crate) fn refuse_foreign_files(&self) -> Result<(), OutputError> {
        refuse_foreign_files(&self.output, self.backend.output_entries()?, |name| {
            keys::is_top_level_entry(name)
        })
    }

    /// Demands that OUTPUT lies in no dataset, and in no other Zarr group or array. Objects of
    /// another dataset would be foreign there: readers that list would find them, and nobody
    /// could replace the outer one any more. Addresses are not looked at.
    pub(crate) fn refuse_nested(&self) -> Result<(), OutputError> {
        let markers = [keys::ROOT_METADATA, "zarr.json", ".zgroup", ".zarray"];
        let is_store = |folder: &PathBuf| markers.iter().any(|key| folder.join(key).is_file());
        match folders_above(&self.output)?.into_iter().find(is_store) {
            Some(dataset) => Err(OutputError::Nested {
                output: self.output.clone(),
                dataset: dataset.into(),
            }),
            None => Ok(()),
        }
    }

    /// Demands that neither of OUTPUT and `input` lies within the other.
    pub(crate) fn refuse_overlap(&self, input: &Location) -> Result<(), OutputError> {
        match overlap(&self.output, input)? {
            Some([output, input]) => Err(OutputError::Overlap { output, input }),
            None => Ok(()),
        }
    }
}

fn is_building(recorded: &Result<Option<RecordedState>, JournalError>) -> bool {
    let state = recorded.as_ref().ok().and_then(Option::as_ref);
    state.is_some_and(|state| matches!(state.phase, Phase::Building(_)))
}

/// Demands that `folder`, which has those entries, holds only entries that are
/// `ours`.
fn refuse_foreign_files(
    folder: &Location,
    entries: Option<Vec<String>>,
    ours: impl Fn(&str) -> bool,
) -> Result<(), OutputError> {
    let Some(entries) = entries else {
        let path = folder.clone();
        return Err(OutputError::Foreign { path });
    };
    match entries.iter().find(|name| !ours(name)) {
        Some(foreign) => Err(OutputError::ForeignFile {
            path: folder.join(foreign),
        }),
        None => Ok(()),
    }
}
