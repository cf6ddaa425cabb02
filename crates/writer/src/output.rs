//! OUTPUT, the folder that becomes a dataset, and the work folder beside it, which
//! holds the journal of an unfinished run.
//!
//! | `OUTPUT/` | `OUTPUT.rxrx2zarr/` | state |
//! |---|---|---|
//! | absent or empty | absent, or without `run.json` | free |
//! | with root metadata | anything | sealed: complete; a work folder is the rest of an interrupted clean-up |
//! | without root metadata | with `run.json` | unfinished: a run is in progress or was interrupted |
//! | anything else | anything | foreign: never touched |
//!
//! A folder that holds an entry which no conversion writes is never removed,
//! because a user put it there. Below `images.zarr`, too, only objects are removed that
//! the list of checksums or the plan of the unfinished run names (`own_keys`).
//!
//! A process that changes anything holds the lock of OUTPUT: on a disk a lock of the
//! operating system, in an object store a lease that it renews. Both name the process
//! and the host that hold them, for the error of a second process.

mod checksummed_store;
mod error;
mod existing;
mod location;
mod lock_kind;
mod locked;
mod own_keys;
mod state;
#[cfg(test)]
mod tests;

pub use self::checksummed_store::LostObject;
pub(crate) use self::checksummed_store::{ChecksummedStore, ObjectChecksum};
pub use self::error::OutputError;
pub use self::existing::Existing;
pub(crate) use self::location::OutputLocation;
pub use self::lock_kind::LockKind;
pub(crate) use self::locked::LockedOutput;
pub(crate) use self::own_keys::own_keys;
pub(crate) use self::state::{OutputState, Transition};
