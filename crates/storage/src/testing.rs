//! Stores for tests, and the conformance kit that any store must pass.
//!
//! Another implementation of [`Store`](crate::Store) is checked by
//! [`conforms`]; each promise has a function of its own in [`conformance`].
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test panics when a store breaks a promise"
)]

pub mod conformance;
mod faulty;
mod memory;

pub use self::conformance::{conforms, objects_are_brought, remote_conforms};
pub use self::faulty::Faulty;
pub use self::memory::Memory;
