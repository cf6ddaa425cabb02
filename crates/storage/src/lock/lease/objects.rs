//! The lease objects of a work folder: `claims/N.json` holds lease N.

use std::time::Duration;

use super::record::LeaseRecord;
use crate::remote::{Remote, RemoteObject};
use crate::store::StoreError;

/// Start of the keys of lease objects.
const LEASES: &str = "claims/";
/// Key of an object that is put to learn the time of the store.
const CLOCK: &str = "clock.json";
/// Most bytes that a lease has: a host, a process and a nonce.
const RECORD_BYTES_AT_MOST: u64 = 64 << 10;

/// Whether a lease makes an entry of that name in the work folder.
pub(in crate::lock) fn is_lease_entry(name: &str) -> bool {
    name == CLOCK || format!("{name}/") == LEASES
}

/// Whether the object of that key in the work folder is a lease.
pub(in crate::lock) fn is_lease_key(key: &str) -> bool {
    key.starts_with(LEASES)
}

/// The lease with the highest number.
pub(super) struct Highest {
    pub(super) number: u64,
    pub(super) object: RemoteObject,
    /// `None` if the object is not a lease record.
    pub(super) record: Option<LeaseRecord>,
}

impl Highest {
    /// Returns the process and the host that hold the lease.
    pub(super) fn holder(&self) -> String {
        let unknown = || "another process".to_owned();
        let record = self.record.as_ref();
        record.map_or_else(unknown, |record| record.holder.to_string())
    }

    /// Whether the lease holds `record`.
    pub(super) fn is(&self, record: &LeaseRecord) -> bool {
        let found = self.record.as_ref();
        found.is_some_and(|found| found.nonce == record.nonce)
    }

    /// Whether another process may take over at once.
    pub(super) fn is_free(&self) -> bool {
        self.record.as_ref().is_some_and(LeaseRecord::is_free)
    }
}

/// Returns the key of the lease with that number.
pub(super) fn key(number: u64) -> String {
    format!("{LEASES}{number}.json")
}

/// Lists the leases of the work folder, ordered by number.
pub(super) fn leases(work: &Remote) -> Result<Vec<(u64, RemoteObject)>, StoreError> {
    let number = |object: &RemoteObject| {
        let name = object.key.strip_prefix(LEASES)?.strip_suffix(".json")?;
        name.parse::<u64>().ok()
    };
    let objects = work.below(LEASES)?.into_iter();
    let numbered = objects.filter_map(|object| Some((number(&object)?, object)));
    let mut leases: Vec<_> = numbered.collect();
    leases.sort_by_key(|(number, _)| *number);
    Ok(leases)
}

/// Reads the lease with the highest number; `None` if there is no lease.
pub(super) fn highest(work: &Remote) -> Result<Option<Highest>, StoreError> {
    let Some((number, object)) = leases(work)?.pop() else {
        return Ok(None);
    };
    Ok(Some(Highest {
        number,
        record: read(work, &object.key)?,
        object,
    }))
}

fn read(work: &Remote, key: &str) -> Result<Option<LeaseRecord>, StoreError> {
    let bytes = work.get_at_most(key, RECORD_BYTES_AT_MOST)?;
    Ok(bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
}

/// Whether the object under `key` holds `record`.
pub(super) fn holds(work: &Remote, key: &str, record: &LeaseRecord) -> Result<bool, StoreError> {
    let found = read(work, key)?;
    Ok(found.is_some_and(|found| found.nonce == record.nonce))
}

/// Returns the age of `object` by the clock of its store if it is below `limit`.
pub(super) fn age_below(
    work: &Remote,
    object: &RemoteObject,
    limit: Duration,
) -> Result<Option<Duration>, StoreError> {
    work.put(CLOCK, Vec::new().into())?;
    let now = work.head(CLOCK)?;
    work.remove(CLOCK)?;
    // Another process may have removed the clock object meanwhile. The lease then
    // counts as new, and the caller waits.
    let age = now.map_or(0, |now| now.modified - object.modified);
    // A lease that was renewed after the clock object was put has the age zero.
    let age = Duration::from_millis(u64::try_from(age).unwrap_or(0));
    Ok((age < limit).then_some(age))
}
