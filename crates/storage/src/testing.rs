//! Stores for tests, and the conformance kit that any store must pass.

mod conformance;
mod faulty;
mod memory;

pub use self::conformance::conforms;
pub use self::faulty::Faulty;
pub use self::memory::Memory;
