#![doc = include_str!("../README.md")]
//!
//! ## Modules
//!
//! ```text
//! cached_store   the store
//!  ├─ entry       a file with blocks of an object
//!  └─ room        the limit of the folder
//! ```

mod cached_store;
mod entry;
mod room;
#[cfg(test)]
mod tests;

pub use self::cached_store::CachedStore;
