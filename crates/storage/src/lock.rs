//! Exclusive writers: who may write an output, and how others are kept out.
//!
//! On a disk the lock is that of the operating system on a file
//! ([`FileLock`]); in an object store it is a [`Lease`] that its holder renews
//! ([`LeaseLock`]), and so it is on a file system without locks, if the user asks for it
//! ([`LeaseFileLock`]). All lie in the *work folder* beside the output and say
//! which process on which host holds them, for the error that a second writer
//! gets. Workers that convert parts of one dataset hold the lock of the operating system
//! together (`worker_file`).

mod entry;
mod error;
mod fence;
mod file;
mod held;
mod holder;
mod lease;
mod lease_file;
mod lease_lock;
mod worker_file;

pub use self::entry::is_lock_entry;
pub use self::error::LockError;
pub use self::fence::LeaseFence;
pub use self::file::FileLock;
pub use self::held::Lock;
pub use self::holder::process_and_host;
pub use self::lease::{Lease, LeaseTimes};
pub use self::lease_file::LeaseFileLock;
pub use self::lease_lock::LeaseLock;
pub(crate) use self::worker_file::OWNER;
pub use self::worker_file::Worker;
