//! Where bytes lie: local disks and object stores, and who may write them.
//!
//! ```text
//! Location ──open_store──> Store ──┬─> LocalStore    files below a folder
//! (path or address)                └─> RemoteStore   objects below an address
//!
//! LockedOutput ──> Lock ──┬─> FileLock    a lock of the operating system
//!                         └─> LeaseLock   an object that its holder renews
//! ```
//!
//! A [`Store`] holds whole objects under `/`-separated keys: put one, read one,
//! remove one, list them. Every call blocks; what is asynchronous stays inside
//! `remote`. Sizes and offsets are in bytes.

mod concurrent;
mod local;
mod location;
mod lock;
mod open;
mod platform;
mod regular_file;
mod remote;
mod store;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
mod unreachable;

pub use self::concurrent::for_each_concurrent;
pub use self::local::{LocalStore, is_temporary};
pub use self::location::{Address, Location, LocationError, StoreOption};
pub use self::lock::{
    FileLock, Lease, LeaseFence, LeaseLock, LeaseTimes, Lock, LockError, is_entry as is_lock_entry,
};
pub use self::open::open_store;
pub use self::platform::{release_free_memory, set_mmap_threshold};
pub use self::regular_file::open_file;
pub use self::remote::{
    Fence, PART, PublishedChecksum, ReadAhead, Remote, RemoteBytes, RemoteObject, RemoteStore,
};
pub use self::store::{Store, StoreError, StoreErrorKind, StoredObject, WriteObject, WriteOutcome};
pub use self::unreachable::Unreachable;
