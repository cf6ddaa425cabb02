//! The lock of an output on a file system without locks: a lease in the work folder.
//!
//! The protocol is that of [`Lease`], on files that get their names by link(2) (see
//! `remote::versioned_files`). Where the file system has locks for this mount all the
//! same, one of them is held, too, so that a run without `--lock lease` is refused.
//!
//! Each put and each removal asks the lease before it renames or removes a file. One case
//! remains: a process that is suspended between this look and the rename, for longer
//! than the lease lasts, renames its file when it wakes, in a dataset that another
//! process may have sealed meanwhile. No call of a file system renames under a condition.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::error::LockError;
use super::fence::LeaseFence;
use super::file::FileLock;
use super::held::Lock;
use super::lease::{LEASES, Lease, LeaseTimes, is_lease_entry};
use crate::remote::Remote;
use crate::store::StoredObject;
use crate::temporary::is_remnant;
use rxrx_platform::{create_folder, flush_names};

/// A lease on files that is held, with the fence that lets its holder write.
pub struct LeaseFileLock {
    work: PathBuf,
    lease: Lease,
    fence: Arc<LeaseFence>,
    /// Name in the work folder of the file that exists once work has begun.
    begun: &'static str,
    /// The lock of the operating system, where there is one.
    file: Option<FileLock>,
    keeps_names: bool,
}

impl LeaseFileLock {
    /// Takes the lease on `output` in its work folder `work`, which is created, and opens
    /// `fence` with it. `begun` is the name in `work` of the file that exists once work
    /// has begun. `waiting` is called with the process that may hold the lease, if it
    /// takes time to find out whether it does.
    ///
    /// # Errors
    /// [`LockError::Busy`] when another process holds the lock or the lease;
    /// [`LockError::Io`]; [`LockError::Store`].
    pub fn take(
        output: &Path,
        work: &Path,
        begun: &'static str,
        times: LeaseTimes,
        fence: Arc<LeaseFence>,
        waiting: &dyn Fn(&str),
    ) -> Result<Self, LockError> {
        let file = match FileLock::take(output, work, begun) {
            Err(LockError::NoLocks { .. }) => None,
            taken => Some(taken?),
        };
        let io_error = |action| {
            move |source| LockError::Io {
                action,
                path: work.to_owned(),
                source,
            }
        };
        create_folder(work).map_err(io_error("create"))?;
        let keeps_names = flush_names(work).map_err(io_error("flush"))?;
        let lease = Lease::take(&Remote::on_files(work)?, &output.into(), times, waiting)?;
        fence.set(Some(lease.clone()));
        Ok(Self {
            work: work.to_owned(),
            lease,
            fence,
            begun,
            file,
            keeps_names,
        })
    }

    /// Returns the process that holds a lease in `work`; `None` if there is none.
    ///
    /// # Errors
    /// [`LockError::Store`] when the lease cannot be read.
    pub fn holder(work: &Path) -> Result<Option<String>, LockError> {
        // Without a lease, no thread is started.
        if !work.join(LEASES).is_dir() {
            return Ok(None);
        }
        Ok(Lease::holder(&Remote::on_files(work)?)?)
    }
}

impl Lock for LeaseFileLock {
    fn check(&self) -> Result<(), LockError> {
        if let Some(file) = &self.file {
            file.check()?;
        }
        self.lease.renew_for_seal(|_| false)
    }

    fn keeps_names(&self) -> bool {
        self.keeps_names
    }

    fn remove_work(mut self: Box<Self>, stays: &dyn Fn(&StoredObject) -> bool) {
        // The lease goes last, so that nobody begins before the rest is gone.
        for entry in fs::read_dir(&self.work).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if is_lease_entry(&name) || super::file::is_lock_file(&name) || is_remnant(&name) {
                continue;
            }
            let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
            let _ = match is_folder {
                true => fs::remove_dir_all(entry.path()),
                false => fs::remove_file(entry.path()),
            };
        }
        self.lease.remove();
        match self.file.take() {
            Some(file) => Box::new(file).remove_work(stays),
            None => drop(fs::remove_dir(&self.work)),
        }
    }
}

impl Drop for LeaseFileLock {
    fn drop(&mut self) {
        self.fence.set(None);
        let has_begun = self.work.join(self.begun).exists();
        self.lease.release(has_begun);
        if !has_begun && self.file.is_none() {
            // It stays if it holds anything else.
            let _ = fs::remove_dir(&self.work);
        }
    }
}

#[cfg(test)]
mod tests;
