//! The object of a lease in a work folder, as it was read.

use bytes::Bytes;

use super::record::LeaseRecord;
use crate::remote::Remote;
use crate::store::StoreError;
use crate::version::Version;

/// Start of the keys of lease objects.
pub(in crate::lock) const LEASES: &str = "claims/";
/// Key of the lease.
pub(super) const KEY: &str = "claims/lease.json";

/// Most bytes that a lease has: a host, a process and a nonce.
const BYTES_AT_MOST: u64 = 64 << 10;

/// Whether a lease makes an entry of that name in the work folder.
pub(in crate::lock) fn is_lease_entry(name: &str) -> bool {
    format!("{name}/") == LEASES
}

/// Whether the object of that key in the work folder is a lease.
pub(in crate::lock) fn is_lease_key(key: &str) -> bool {
    key.starts_with(LEASES)
}

/// A lease that was read.
#[derive(PartialEq, Eq)]
pub(super) struct Found {
    bytes: Bytes,
    pub(super) version: Version,
}

impl Found {
    /// Reads the lease of a work folder; `None` if there is none.
    pub(super) fn read(work: &Remote) -> Result<Option<Self>, StoreError> {
        let found = work.get_version(KEY, BYTES_AT_MOST)?;
        Ok(found.map(|(bytes, version)| Self { bytes, version }))
    }

    /// Returns the record; `None` if the object is not a lease record.
    fn record(&self) -> Option<LeaseRecord> {
        serde_json::from_slice(&self.bytes).ok()
    }

    /// Returns the process and the host that hold the lease.
    pub(super) fn holder(&self) -> String {
        let unknown = || "another process".to_owned();
        let record = self.record();
        record.map_or_else(unknown, |record| record.holder.to_string())
    }

    /// Whether the lease is the one of `record`, renewed or not.
    pub(super) fn is(&self, record: &LeaseRecord) -> bool {
        self.record()
            .is_some_and(|found| found.nonce == record.nonce)
    }

    /// Whether `other` is the same lease, renewed or not.
    pub(super) fn has_nonce_of(&self, other: &Self) -> bool {
        other.record().is_some_and(|record| self.is(&record))
    }

    /// Whether another process may take over at once.
    pub(super) fn is_free(&self) -> bool {
        self.record().is_some_and(|record| record.is_free())
    }
}
