//! Exclusive writers: who may write an output, and how others are kept out.
//!
//! On a disk the lock is that of the operating system on a file
//! ([`FileLock`]); in an object store it is a [`Lease`] that its holder renews
//! ([`LeaseLock`]). Both lie in the *work folder* beside the output and say
//! which process on which host holds them, for the error that a second writer
//! gets.

mod error;
mod fence;
mod file;
mod holder;
mod lease;
mod lease_lock;

pub use self::error::LockError;
pub use self::fence::LeaseFence;
pub use self::file::FileLock;
pub use self::lease::{Lease, LeaseTimes};
pub use self::lease_lock::LeaseLock;

/// A lock that is held. When it is dropped, it is released; unfinished work
/// stays.
pub trait Lock: Send + Sync {
    /// Demands that the lock is still held. Asks the store.
    ///
    /// # Errors
    /// [`LockError::Lost`], [`LockError::TakenOver`], or the store failed.
    fn check(&self) -> Result<(), LockError>;

    /// Removes the work folder, as far as that is possible, and releases the lock.
    fn remove_work(self: Box<Self>);

    /// Whether the lock keeps every other process out.
    fn is_exclusive(&self) -> bool {
        true
    }
}

/// Whether a lock puts an entry of that name into the work folder.
pub fn is_entry(name: &str) -> bool {
    file::is_entry(name) || lease::is_entry(name)
}
