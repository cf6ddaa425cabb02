//! An output in a folder of a local disk.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::output_backend::OutputBackend;
use super::resolve::{resolve, work_folder};
use crate::local::LocalStore;
use crate::lock::{
    FileLock, LeaseFence, LeaseFileLock, LeaseTimes, Lock, LockError, OWNER, Worker,
};
use crate::nonce::new_nonce;
use crate::store::{Store, StoreError};
use crate::temporary::{is_remnant, is_temporary};
use rxrx_platform::FreeSpace;
use rxrx_platform::is_mount_point;
use rxrx_platform::{flush_names, parent_of};

/// A folder and the work folder beside it.
#[derive(Clone)]
pub struct LocalBackend {
    output: PathBuf,
    work: PathBuf,
    begun: &'static str,
    /// The beginning of the names of the temporary files of this process.
    owner: String,
    /// A faster disk for shards that are being written.
    first: Option<PathBuf>,
    /// The times and the fence of the lease that takes the place of the lock.
    lease: Option<(LeaseTimes, Arc<LeaseFence>)>,
}

impl LocalBackend {
    /// Makes the backend of the folder `output`, or of the folder to which a link of
    /// that name leads. The work folder lies beside that folder and is named by
    /// `suffix`. A lock that is dropped removes the work folder, unless it has an entry
    /// `begun`.
    ///
    /// # Errors
    /// [`StoreError`] when `output` is a link that leads nowhere.
    pub fn new(output: &Path, suffix: &str, begun: &'static str) -> Result<Self, StoreError> {
        let output = resolve(output, suffix)?;
        Ok(Self {
            work: work_folder(&output, suffix),
            output,
            begun,
            owner: new_owner()?,
            first: None,
            lease: None,
        })
    }

    /// Makes the lock a lease of those times: see [`LeaseFileLock`].
    #[must_use]
    pub fn with_lease(self, times: LeaseTimes) -> Self {
        Self {
            lease: Some((times, Arc::default())),
            ..self
        }
    }

    fn store(&self, root: &Path) -> LocalStore {
        let store = LocalStore::new(root, &self.work).owned(&self.owner);
        match &self.lease {
            Some((_, fence)) => store.fenced(fence.clone()),
            None => store,
        }
    }

    /// Writes objects that are streamed into a file of `folder` first, which is on a faster disk.
    #[must_use]
    pub fn with_scratch(self, folder: Option<PathBuf>) -> Self {
        Self {
            first: folder,
            ..self
        }
    }

    /// Returns the work folder.
    pub fn work(&self) -> &Path {
        &self.work
    }

    /// Returns the store of the objects of the output.
    pub fn output_store(&self) -> LocalStore {
        self.store(&self.output)
            .written_first_in(self.first.clone())
    }

    /// Returns the store of the objects of the work folder.
    pub fn work_store(&self) -> LocalStore {
        self.store(&self.work)
    }

    /// Removes the temporary files that torn writes have left.
    fn remove_temporaries(&self) -> Result<(), StoreError> {
        // The lock lies in the folder, so that it exists.
        let names = entries(&self.work)?.into_iter().flatten();
        for name in names {
            if is_temporary(&name) {
                let path = self.work.join(name);
                fs::remove_file(&path).map_err(failed("remove", &path))?;
            }
        }
        Ok(())
    }
}

impl OutputBackend for LocalBackend {
    fn output_entries(&self) -> Result<Option<Vec<String>>, StoreError> {
        entries(&self.output)
    }

    fn work_entries(&self) -> Result<Option<Vec<String>>, StoreError> {
        entries(&self.work)
    }

    fn has_work(&self) -> Result<bool, StoreError> {
        Ok(self.work.exists())
    }

    fn old_work_keys(&self, _age: Duration) -> Result<Vec<String>, StoreError> {
        let objects = self.work_store().list()?.into_iter();
        Ok(objects.map(|object| object.key).collect())
    }

    fn holder(&self) -> Result<Option<String>, LockError> {
        match FileLock::holder(&self.work)? {
            Some(holder) => Ok(Some(holder)),
            None => LeaseFileLock::holder(&self.work),
        }
    }

    fn lock(&self, waiting: &dyn Fn(&str)) -> Result<Box<dyn Lock>, LockError> {
        // An object is written beside the output and renamed into it, which no mount
        // point allows.
        if is_mount_point(&self.output) {
            return Err(LockError::MountPoint {
                path: self.output.clone(),
            });
        }
        let (output, work, begun) = (&self.output, &self.work, self.begun);
        let lock: Box<dyn Lock> = match &self.lease {
            Some((times, fence)) => {
                let fence = fence.clone();
                let lease = LeaseFileLock::take(output, work, begun, *times, fence, waiting)?;
                Box::new(lease)
            }
            None => {
                let lock = FileLock::take(output, work, begun)?;
                if let Some(holder) = LeaseFileLock::holder(work)? {
                    return Err(LockError::HeldByLease {
                        path: output.clone(),
                        holder,
                    });
                }
                Box::new(lock)
            }
        };
        self.remove_temporaries()?;
        Ok(lock)
    }

    fn share(&self, label: &str, _waiting: &dyn Fn(&str)) -> Result<Box<dyn Lock>, LockError> {
        let (output, work) = (&self.output, &self.work);
        let path = || output.as_path().into();
        if is_mount_point(output) {
            let path = output.clone();
            return Err(LockError::MountPoint { path });
        }
        if self.lease.is_some() {
            return Err(LockError::NoWorkers { path: path() });
        }
        let lock = match FileLock::share(output, work, self.begun, (label, &self.owner)) {
            Err(LockError::NoLocks { .. }) => return Err(LockError::NoWorkers { path: path() }),
            lock => lock?,
        };
        if let Some(holder) = LeaseFileLock::holder(work)? {
            let path = output.clone();
            return Err(LockError::HeldByLease { path, holder });
        }
        Ok(Box::new(lock))
    }

    fn workers(&self) -> Result<Vec<Worker>, LockError> {
        FileLock::workers(&self.work)
    }

    fn free_space(&self) -> Option<FreeSpace> {
        FreeSpace::at(&self.output)
    }

    fn remove_output(&self) -> Result<(), StoreError> {
        remove_empty_folders(&self.output)?;
        // Otherwise the folder could be back after a loss of power, with objects that
        // a process removed which was killed before it flushed.
        let folder = parent_of(&self.output);
        flush_names(folder).map_err(failed("flush", folder))?;
        Ok(())
    }
}

/// Returns a number that no other process has.
fn new_owner() -> Result<String, StoreError> {
    let mut owner = new_nonce()?;
    owner.truncate(OWNER);
    Ok(owner)
}

/// Removes `folder` if nothing but folders lies below it; removes those, too. Returns
/// whether it is gone.
fn remove_empty_folders(folder: &Path) -> Result<bool, StoreError> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(true),
        entries => entries.map_err(failed("list", folder))?,
    };
    let mut is_empty = true;
    for entry in entries {
        let entry = entry.map_err(failed("list", folder))?;
        let kind = entry.file_type().map_err(failed("look at", folder))?;
        is_empty &= kind.is_dir() && remove_empty_folders(&entry.path())?;
    }
    if is_empty {
        fs::remove_dir(folder).map_err(failed("remove", folder))?;
    }
    Ok(is_empty)
}

/// Returns the names in `folder`, without those that NFS and FUSE give to removed files;
/// `None` where it is no folder.
fn entries(folder: &Path) -> Result<Option<Vec<String>>, StoreError> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Some(Vec::new())),
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => return Ok(None),
        entries => entries.map_err(failed("list", folder))?,
    };
    let name = |entry: io::Result<fs::DirEntry>| {
        let entry = entry.map_err(failed("list", folder))?;
        Ok(entry.file_name().to_string_lossy().into_owned())
    };
    let mut names: Vec<String> = entries.map(name).collect::<Result<_, _>>()?;
    names.retain(|name| !is_remnant(name));
    Ok(Some(names))
}

fn failed(action: &'static str, path: &Path) -> impl Fn(io::Error) -> StoreError {
    move |source| StoreError::from_io(action, path.display().to_string(), source)
}
