//! The folder that becomes a dataset, and the one beside it that holds what is
//! unfinished.
//!
//! | `OUTPUT/` | `OUTPUT.rxrx2zarr/` | state |
//! |---|---|---|
//! | absent or empty | absent, or without `run.json` | free |
//! | with root metadata | anything | sealed: complete; what lies beside is a clean-up that was cut off |
//! | without root metadata | with `run.json` | unfinished: a run is under way or was cut off |
//! | anything else | anything | foreign: never touched |
//!
//! Whatever the state, a folder that holds an entry which no conversion writes
//! is not removed: somebody put it there.
//!
//! Whoever changes anything holds the lock of OUTPUT: on a disk that of the
//! operating system, in an object store a lease that is renewed. Both say which process on which host has it, for the
//! error that the second one gets.

mod backend;
mod checksummed_store;
mod error;
mod local;
mod location;
mod locked;
mod remote;
mod state;
#[cfg(test)]
mod tests;

pub use self::checksummed_store::LostObject;
pub(crate) use self::checksummed_store::{ChecksummedStore, ObjectChecksum};
pub use self::error::OutputError;
pub(crate) use self::location::OutputLocation;
pub(crate) use self::locked::LockedOutput;
pub(crate) use self::state::OutputState;
