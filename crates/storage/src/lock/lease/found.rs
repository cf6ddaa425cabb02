//! The object of a lease in a work folder, as it was read.

use bytes::Bytes;

use super::record::LeaseRecord;
use crate::lock::worker_file::Worker;
use crate::remote::Remote;
use crate::store::{StoreError, StoreErrorKind};
use crate::version::Version;

/// Start of the keys of lease objects.
pub(in crate::lock) const LEASES: &str = "claims/";
/// Key of the lease of a process that holds the output alone.
pub(super) const ALONE: &str = "claims/lease.json";
/// Start of the keys of the leases of workers, which hold it together.
const WORKERS: &str = "claims/worker-";

/// Returns the key of the lease of a worker with that nonce.
pub(super) fn worker_key(nonce: &str) -> String {
    format!("{WORKERS}{nonce}.json")
}

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
    /// Reads the lease with that key in a work folder; `None` if there is none.
    pub(super) fn read(work: &Remote, key: &str) -> Result<Option<Self>, StoreError> {
        let found = work.get_version(key, BYTES_AT_MOST)?;
        Ok(found.map(|(bytes, version)| Self { bytes, version }))
    }

    /// Reads the leases of the workers of a work folder, with their keys. Files, which have no
    /// list here, have a lock for workers in place of leases.
    pub(super) fn of_workers(work: &Remote) -> Result<Vec<(String, Self)>, StoreError> {
        let objects = match work.below(LEASES) {
            Err(error) if error.kind == StoreErrorKind::Unsupported => Vec::new(),
            objects => objects?,
        };
        let mut found = Vec::new();
        for object in objects {
            if object.key.starts_with(WORKERS)
                && let Some(lease) = Self::read(work, &object.key)?
            {
                found.push((object.key, lease));
            }
        }
        Ok(found)
    }

    /// Returns the record; `None` if the object is not a lease record.
    fn record(&self) -> Option<LeaseRecord> {
        serde_json::from_slice(&self.bytes).ok()
    }

    /// Returns the process and the host that hold the lease, and the work of a worker.
    pub(super) fn holder(&self) -> String {
        match self.worker() {
            Worker { holder, label } if label.is_empty() => holder,
            Worker { holder, label } => format!("{holder} ({label})"),
        }
    }

    /// Returns the process and its work.
    pub(super) fn worker(&self) -> Worker {
        match self.record() {
            Some(record) => Worker {
                holder: record.holder.to_string(),
                label: record.label,
            },
            None => Worker {
                holder: "another process".to_owned(),
                label: String::new(),
            },
        }
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
