#![doc = include_str!("../README.md")]
//!
//! ## Modules
//!
//! ```text
//! server                the socket, its connections, and their end
//!  └─ answer              one request -> one response
//!      ├─ access            Host, Origin and token
//!      ├─ key               path of a URL -> key of an object
//!      ├─ range             the bytes that a request asks for
//!      ├─ content_type      by the name of the object
//!      └─ objects           the objects of the dataset, in pieces
//! ```

mod access;
mod answer;
mod content_type;
mod key;
mod objects;
mod range;
mod server;

pub use self::server::{Failed, ServeError, ServeOptions, Server};

/// The name of this machine, for the command that reaches it from another one.
pub fn host_name() -> String {
    gethostname::gethostname().to_string_lossy().into_owned()
}
