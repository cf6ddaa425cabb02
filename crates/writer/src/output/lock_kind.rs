//! How the folder of OUTPUT is locked.

/// How others are kept from writing to an OUTPUT that is a folder. An address in an
/// object store always has a lease.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LockKind {
    /// A lock of the operating system, which ends with its process.
    #[default]
    System,
    /// A lease in a file that its holder renews, for a file system without locks. Another
    /// machine waits a minute before it takes over.
    Lease,
}
