//! Errors of locks.

use std::io;
use std::path::PathBuf;

use crate::location::Location;
use crate::store::StoreError;

/// A lock cannot be taken, or is no longer held.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LockError {
    /// Another process holds the lock.
    #[error("output {path} is being written by {holder}: wait for it, or choose another output")]
    Busy {
        /// The output.
        path: Location,
        /// Process and host.
        holder: String,
    },
    /// Somebody removed the work folder during the run.
    #[error(
        "{work} was removed while it was in use: nothing is sealed; start over with --overwrite, \
         and let only one process write an output"
    )]
    Lost {
        /// The work folder.
        work: Location,
    },
    /// Another process took the lock, because this one did not renew it in time.
    #[error(
        "{holder} has taken over {path}, because this process was not heard of for too long: \
         nothing is sealed, and what was done is kept"
    )]
    TakenOver {
        /// The output.
        path: Location,
        /// Process and host.
        holder: String,
    },
    /// A link is in place of the work folder or of the lock file.
    #[error(
        "{path} is a link, and writing there could overwrite a file elsewhere: remove the link, \
         or choose another output"
    )]
    Link {
        /// The link.
        path: PathBuf,
    },
    /// The output is a mount point.
    #[error(
        "output {path} is a mount point or a subvolume, and a dataset is built in a folder beside it on the same \
         file system: name a new folder inside it, such as {}", .path.join("dataset").display()
    )]
    MountPoint {
        /// The output.
        path: PathBuf,
    },
    /// Workers cannot hold this output together.
    #[error(
        "workers cannot write {path} together: its file system has no locks (flock); convert in \
         one process, or take a file system with locks or a bucket"
    )]
    NoWorkers {
        /// The output.
        path: Location,
    },
    /// The file system has no locks.
    #[error(
        "the file system of {path} has no locks (flock), so that two processes could write one \
         dataset at once and neither would notice: convert to another file system and copy the \
         dataset, or convert with --lock lease, whose limits docs/reliability.md states"
    )]
    NoLocks {
        /// The output.
        path: PathBuf,
        /// The error of flock.
        source: io::Error,
    },
    /// A process holds a lease on the output, which a lock cannot end.
    #[error(
        "output {path} is being written by {holder}, or was when that process ended without a \
         word: convert with --lock lease, which finds out, or choose another output"
    )]
    HeldByLease {
        /// The output.
        path: PathBuf,
        /// Process and host.
        holder: String,
    },
    /// The store cannot keep two writers apart, and something there would be replaced.
    #[error(
        "the store of {path} has no conditional writes (If-None-Match, If-Match), so that nothing \
         there is replaced: a late request of another process could destroy what is complete; \
         write the dataset under another name, or use a store that has them"
    )]
    NoConditionalPut {
        /// The output.
        path: Location,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The operating system refused.
    #[error("cannot {action} {path}")]
    Io {
        /// The operation as a verb.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
}
