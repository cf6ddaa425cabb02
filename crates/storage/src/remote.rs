//! Object stores behind calls that block.
//!
//! The [`object_store`] crate speaks to S3, Google Cloud Storage, Azure and
//! plain HTTP servers. It is asynchronous; the rest of the program is not. A
//! runtime of this module has two threads that wait for answers, and the caller
//! is blocked meanwhile.
//!
//! - A request that fails for a passing reason (no connection, a connection that
//!   broke, 429, 5xx) is repeated for up to three minutes, after a pause that
//!   doubles each time, with jitter. If an answer breaks off, the bytes that
//!   arrived are not read again, except of a list and of an object without ETag.
//!   A store that was never reached is tried for some seconds only, and a TLS
//!   handshake that fails is not repeated. Lists and errors without end are refused.
//! - A range of bytes whose answer takes much longer than those of its size before is asked
//!   for once more, and the first answer counts: one request in 16 at most.
//! - Credentials that a program gives are renewed before they expire, and once more when
//!   S3 says that they have expired.
//! - A client that writes under a lease asks before each try of each write whether the
//!   lease still holds, and gives up a write before the lease can expire.
//! - At most 64 requests of a client to a store run at the same time.
//! - Each put has a checksum that the server compares: SHA-256 (S3, or another one where
//!   the server refuses it), CRC-32C (Google) or MD5 (Azure, unless the key of the account
//!   signs the request).
//! - An object of more than 8 MiB is uploaded in parts of that size. Four parts are
//!   sent while the next one is made, so one object needs at most 5 x 8 MiB = 40 MiB
//!   of memory.

mod bring;
mod builders;
mod client;
mod condition;
mod conditional;
mod connection;
mod connector;
mod fence;
mod hedge;
mod own_options;
mod remote_bytes;
mod remote_store;
mod retry;
mod store_advice;
#[cfg(test)]
mod tests;
mod unfinished_uploads;
mod upload;
mod versioned_files;
mod versions;

pub use self::client::{PublishedChecksum, Remote, RemoteObject};
pub use self::fence::Fence;
pub(crate) use self::fence::wait_until_open;
pub use self::remote_bytes::{ReadAhead, RemoteBytes};
pub use self::remote_store::RemoteStore;
pub use self::unfinished_uploads::UnfinishedUpload;
pub use self::upload::PART;
