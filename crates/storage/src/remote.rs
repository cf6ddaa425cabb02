//! Object stores behind calls that wait.
//!
//! The [`object_store`] crate speaks to S3, Google Cloud Storage, Azure and
//! plain HTTP servers. It is asynchronous; nothing outside this module is: a
//! few threads of a runtime of its own do the waiting, and whoever calls is
//! blocked meanwhile. That is what the pipeline's readers and its storer are
//! for.
//!
//! - Requests that fail for a passing reason (no connection, one that broke,
//!   429, 5xx) are repeated after a pause that doubles each time, with jitter,
//!   for up to three minutes. What was read before a connection broke is not
//!   read again, other than of a list and of objects without an ETag.
//! - At most 64 requests of a store are under way.
//! - What is put carries a checksum that the server compares: SHA-256 (S3),
//!   CRC-32C (Google) or MD5 (Azure, unless the key of the account signs).
//! - An object that grows beyond 8 MiB is uploaded in parts of that
//!   size, four at a time, while the next ones are made. So one
//!   object holds at most 8 MiB x (four + 1) bytes of memory,
//!   40 MiB.

mod aws_profile;
mod builders;
mod client;
mod connection;
mod remote_bytes;
mod remote_store;
mod retry;
mod store_advice;
mod upload;
mod upload_checksums;

pub use self::client::{PublishedChecksum, Remote, RemoteObject};
pub use self::remote_bytes::{ReadAhead, RemoteBytes};
pub use self::remote_store::{Fence, RemoteStore};
pub use self::upload::PART;
