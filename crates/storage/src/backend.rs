//! A folder or a prefix with a work folder beside it, which one process may lock.

mod local;
mod output_backend;
mod remote;
mod resolve;

pub use self::local::LocalBackend;
pub use self::output_backend::{OutputBackend, Uploads};
pub use self::remote::RemoteBackend;
