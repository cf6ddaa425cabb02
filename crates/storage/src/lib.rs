#![doc = include_str!("../README.md")]
//!
//! ## Modules
//!
//! ```text
//! open_store            the store at a location
//!  ├─ location            paths and addresses
//!  ├─ local               a store of files: temporary file, flush, rename
//!  └─ remote              object stores: requests, repeats, uploads, checksums, advice
//!      └─ store, version, unreachable   the trait Store with its promises, and its errors
//! backend               an output with its work folder and its lock
//! lock                  the lock file, and the lease with its protocol
//! overlap               locations that contain each other
//! nonce                 random names
//! concurrent            several calls at the same time
//! byte_rate             numbers of bytes in a second
//! testing               stores for tests and the conformance kit
//! ```

mod backend;
mod byte_rate;
mod concurrent;
mod local;
mod location;
mod lock;
mod nonce;
mod open_store;
mod overlap;
mod remote;
mod store;
mod temporary;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
mod unreachable;
mod version;

pub use self::backend::{LocalBackend, OutputBackend, RemoteBackend, Uploads};
pub use self::byte_rate::bytes_a_second;
pub use self::concurrent::{for_each_concurrent, map_concurrent};
pub use self::local::LocalStore;
pub use self::location::{Address, Location, LocationError, StoreOption};
pub use self::lock::{
    FileLock, Lease, LeaseFence, LeaseFileLock, LeaseLock, LeaseTimes, Lock, LockError, Worker,
    is_lock_entry, process_and_host,
};
pub use self::nonce::new_nonce;
pub use self::open_store::open_store;
pub use self::overlap::{folders_above, overlap};
pub use self::remote::{
    Fence, PART, PublishedChecksum, ReadAhead, Remote, RemoteBytes, RemoteObject, RemoteStore,
    UnfinishedUpload,
};
pub use self::store::{
    Store, StoreError, StoreErrorKind, StoredChecksums, StoredObject, Streamed, WriteObject,
    WriteOutcome,
};
pub use self::temporary::is_temporary;
pub use self::unreachable::Unreachable;
pub use self::version::Version;
pub use rxrx_platform::{
    FreeSpace, IoFault, OpenFileError, anonymous_memory, is_signal_ignored, open_file,
    release_free_memory, set_mmap_threshold,
};
pub use rxrx_transport::{Waiting, causes, waiting};
