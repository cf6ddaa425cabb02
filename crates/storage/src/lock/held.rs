//! The contract of a lock that is held.

use super::error::LockError;
use crate::store::StoredObject;

/// A lock that is held. When it is dropped, it is released; unfinished work
/// stays.
pub trait Lock: Send + Sync {
    /// Checks that the lock is still held. It always asks the store.
    ///
    /// # Errors
    /// [`LockError::Lost`], [`LockError::TakenOver`], or the store failed.
    fn check(&self) -> Result<(), LockError>;

    /// Removes the work folder, as far as that is possible, and releases the lock. In an
    /// object store the objects stay of which `stays` says so.
    fn remove_work(self: Box<Self>, stays: &dyn Fn(&StoredObject) -> bool);

    /// Whether a name in a folder of the output survives a loss of power once the folder
    /// is flushed: false if the file system has no such flush.
    fn keeps_names(&self) -> bool {
        true
    }

    /// Whether the lock guarantees that no other process writes.
    fn is_exclusive(&self) -> bool {
        true
    }

    /// Returns the checksum of uploads that is used because the store refuses the usual
    /// one; `None` if it is the usual one.
    fn other_checksum(&self) -> Option<&'static str> {
        None
    }
}
