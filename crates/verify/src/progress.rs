//! What a caller is told during a verification.

/// A receiver of the progress. Several threads call it at once.
pub trait Progress: Sync {
    /// The shards are about to be read: so many, with so many sites.
    fn started(&self, sites: usize, shards: usize);

    /// A chunk was read and checked: the sites that it completes, and its size in bytes.
    fn chunk_verified(&self, sites: usize, stored_bytes: u64);
}
