//! OUTPUT, the folder that becomes a dataset, and the work folder beside it, which
//! holds the journal of an unfinished run.
//!
//! | `OUTPUT/` | `state.json` in `OUTPUT.rxrx2zarr/` | state |
//! |---|---|---|
//! | absent or empty | absent | free |
//! | with root metadata | anything but `switching` | sealed: complete |
//! | without root metadata | `building` | unfinished: a run is in progress or was interrupted |
//! | anything | `switching` | switching: the dataset of a run folder replaces what is there |
//! | anything else | anything | foreign: never touched |
//!
//! A dataset is replaced by a switch (`switch`): the new one is complete in a run folder
//! before anything is changed. Only objects are replaced or removed that the list of
//! checksums or the plan of an unfinished run names (`own_keys`); a user put the others
//! there.
//!
//! A process that changes anything holds the lock of OUTPUT: on a disk a lock of the
//! operating system, in an object store a lease that it renews. Both name the process
//! and the host that hold them, for the error of a second process.

mod card;
mod checksummed_store;
mod error;
mod existing;
mod location;
mod lock_kind;
mod locked;
mod own_keys;
mod prefixed_store;
mod recorded_state;
mod remains;
mod run_folder;
mod state;
mod switch;
#[cfg(test)]
mod tests;
mod whole;

pub(crate) use self::card::{card, card_changes};
pub use self::checksummed_store::LostObject;
pub(crate) use self::checksummed_store::{ChecksummedStore, ObjectChecksum};
pub use self::error::OutputError;
pub use self::existing::Existing;
pub(crate) use self::location::OutputLocation;
pub use self::lock_kind::LockKind;
pub(crate) use self::locked::LockedOutput;
pub(crate) use self::own_keys::own_keys;
pub(crate) use self::recorded_state::{Next, Plan};
pub(crate) use self::remains::Remains;
pub(crate) use self::run_folder::RunFolder;
pub(crate) use self::state::{OutputState, Transition};
pub(crate) use self::switch::Switch;
