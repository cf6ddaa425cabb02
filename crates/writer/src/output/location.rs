//! OUTPUT and the work folder beside it.

use std::sync::Arc;

use rxrx_format::keys;
use rxrx_reader::{Owner, parse_root, root_bytes};
use rxrx_storage::{
    FreeSpace, LeaseTimes, LocalBackend, Location, Lock, OutputBackend, Remote, RemoteBackend,
    Store, is_lock_entry, is_temporary, overlap,
};

use super::error::OutputError;
use super::lock_kind::LockKind;
use super::state::OutputState;
use crate::journal::{self, Journal, JournalError};

/// Suffix of the name of the work folder, after the name of OUTPUT.
const WORK_SUFFIX: &str = ".rxrx2zarr";

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
        let output = output.into();
        match &output {
            Location::Local(path) => {
                if path.file_name().is_none() {
                    return Err(OutputError::NoName { path: output });
                }
                let backend = LocalBackend::new(path, WORK_SUFFIX, journal::RUN)?;
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
        let backend = RemoteBackend::new(output, WORK_SUFFIX, journal::RUN)?;
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

    /// Returns whether there is a work folder.
    pub(crate) fn has_work(&self) -> Result<bool, OutputError> {
        Ok(self.backend.has_work()?)
    }

    /// Removes the folders of OUTPUT that have no more objects.
    pub(super) fn remove_output(&self) -> Result<(), OutputError> {
        Ok(self.backend.remove_output()?)
    }

    fn is_absent_or_empty(&self) -> Result<bool, OutputError> {
        let entries = self.backend.output_entries()?;
        Ok(entries.is_some_and(|entries| entries.is_empty()))
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
        match Owner::of_root_metadata(root) {
            // Unreadable root metadata may be a torn write of this program.
            Owner::Nobody | Owner::Unreadable => {}
            Owner::Other => return Ok(OutputState::Foreign),
            Owner::Us => {
                let name = self.output.to_string();
                let root = root.and_then(|root| parse_root(root, &name).ok());
                return Ok(OutputState::Sealed(root.map(Box::new)));
            }
        }
        match self.journal().run() {
            Ok(Some(run)) => return Ok(OutputState::Unfinished(Box::new(run))),
            // A run without any record or object can begin again.
            Err(JournalError::Damaged { .. })
                if self.is_absent_or_empty()? && self.journal().recorded()? == 0 =>
            {
                return Ok(OutputState::Free);
            }
            Err(error @ JournalError::Damaged { .. }) => return Ok(OutputState::Damaged(error)),
            run => run?,
        };
        Ok(if self.is_absent_or_empty()? {
            OutputState::Free
        } else {
            OutputState::Foreign
        })
    }

    /// Returns the process that holds the lock, if there is one.
    pub(crate) fn holder(&self) -> Result<Option<String>, OutputError> {
        Ok(self.backend.holder()?)
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
            is_lock_entry(name) || is_temporary(name) || journal::is_entry(name)
        })?;
        Ok(self.backend.lock(waiting)?)
    }

    /// Demands that OUTPUT holds only entries that a conversion writes.
    pub(crate) fn refuse_foreign_files(&self) -> Result<(), OutputError> {
        refuse_foreign_files(&self.output, self.backend.output_entries()?, |name| {
            keys::is_top_level_entry(name)
        })
    }

    /// Demands that neither of OUTPUT and `input` lies within the other.
    pub(crate) fn refuse_overlap(&self, input: &Location) -> Result<(), OutputError> {
        match overlap(&self.output, input)? {
            Some([output, input]) => Err(OutputError::Overlap { output, input }),
            None => Ok(()),
        }
    }
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
