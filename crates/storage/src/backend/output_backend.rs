//! The calls on an output that differ between disks and object stores.

use rxrx_platform::FreeSpace;
use std::time::Duration;

use crate::lock::{Lock, LockError, Worker};
use crate::remote::UnfinishedUpload;
use crate::store::StoreError;

/// Uploads that nobody has completed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Uploads {
    /// Those of dead runs: older than a lease lasts.
    pub dead: Vec<UnfinishedUpload>,
    /// The number of the others.
    pub young: usize,
}

/// An output: a folder or a prefix, with a work folder beside it.
pub trait OutputBackend: Send + Sync {
    /// Returns the names at the top of the output, none where it is absent; `None`
    /// where it is no folder.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be listed.
    fn output_entries(&self) -> Result<Option<Vec<String>>, StoreError>;

    /// Returns the names at the top of the work folder, none where it is absent;
    /// `None` where it is no folder.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be listed.
    fn work_entries(&self) -> Result<Option<Vec<String>>, StoreError>;

    /// Returns whether there is a work folder, or another entry of that name.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be listed.
    fn has_work(&self) -> Result<bool, StoreError>;

    /// Returns the keys of the objects in the work folder that have not changed for `age`, by
    /// the clock of the store; all of them where no request arrives late. The caller holds
    /// the lock.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be listed.
    fn old_work_keys(&self, age: Duration) -> Result<Vec<String>, StoreError>;

    /// Returns the process that holds the lock, if there is one.
    ///
    /// # Errors
    /// [`LockError`] when the lock cannot be read.
    fn holder(&self) -> Result<Option<String>, LockError>;

    /// Takes the lock and removes the temporary files of torn writes. `waiting` is called
    /// with the process that may hold the lock, if it takes time to find out whether it
    /// does.
    ///
    /// # Errors
    /// [`LockError`] when another process holds it, or the store failed.
    fn lock(&self, waiting: &dyn Fn(&str)) -> Result<Box<dyn Lock>, LockError>;

    /// Takes the lock together with other workers, of which each does the work that its
    /// label names. Nothing is removed. Then the streamed objects of an output in an object store
    /// are only created, and no other bytes are replaced. `waiting` is called as by [`Self::lock`].
    ///
    /// # Errors
    /// [`LockError::NoWorkers`] where there is no such lock, and the errors of [`Self::lock`].
    fn share(&self, label: &str, waiting: &dyn Fn(&str)) -> Result<Box<dyn Lock>, LockError>;

    /// Returns the processes that hold the lock together. The default is a store in which
    /// none can.
    ///
    /// # Errors
    /// [`LockError`] when they cannot be listed.
    fn workers(&self) -> Result<Vec<Worker>, LockError> {
        Ok(Vec::new())
    }

    /// Returns the free space where the objects of the output are; `None` where it is
    /// unknown or has no limit. The default is an object store, which has none.
    fn free_space(&self) -> Option<FreeSpace> {
        None
    }

    /// Lists the uploads in parts that nobody has completed, of the objects of this output
    /// whose keys `is_ours` knows and of all objects of the work folder; `None` where the
    /// store does not list them. The caller holds the lock. The default is a disk, which has
    /// none.
    ///
    /// # Errors
    /// [`StoreError`] when the store does not answer.
    fn unfinished_uploads(
        &self,
        _is_ours: &dyn Fn(&str) -> bool,
    ) -> Result<Option<Uploads>, StoreError> {
        Ok(Some(Uploads::default()))
    }

    /// Gives up uploads that were listed.
    ///
    /// # Errors
    /// [`StoreError`] when one of them may still exist.
    fn give_up_uploads(&self, _uploads: &[UnfinishedUpload]) -> Result<(), StoreError> {
        Ok(())
    }

    /// Removes those folders of the output, and the output itself, that hold no more
    /// objects.
    ///
    /// # Errors
    /// [`StoreError`] when they may still exist.
    fn remove_output(&self) -> Result<(), StoreError>;
}
