//! The content of a lease object: who holds the lease.

use serde::{Deserialize, Serialize};

use crate::lock::error::LockError;
use crate::lock::holder::Holder;
use crate::nonce::random_bits;
use crate::store::{StoreError, StoreErrorKind};
use rxrx_platform as platform;

/// The content of a lease object.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct LeaseRecord {
    #[serde(flatten)]
    pub(super) holder: Holder,
    /// The machine, or the container, that numbers its processes by itself;
    /// `None` where the platform cannot name it.
    pub(super) machine: Option<String>,
    /// 128 random bits in hexadecimal digits: no two leases have the same.
    pub(super) nonce: String,
    /// How often the lease was renewed. It makes each version of the object another
    /// one, also for stores whose ETag is a hash of the content.
    #[serde(default)]
    pub(super) renewals: u64,
    /// Whether the holder released the lease.
    pub(super) released: bool,
    /// The work of a worker; empty for a process that holds the output alone.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(super) label: String,
}

impl LeaseRecord {
    /// Makes the record of this process, with a nonce from the random numbers of
    /// the operating system.
    ///
    /// # Errors
    /// The operating system gives no random numbers.
    pub(super) fn new() -> Result<Self, LockError> {
        let nonce = random_bits().map_err(|source| LockError::Io {
            action: "take random numbers from",
            path: "the operating system".into(),
            source,
        })?;
        Ok(Self {
            holder: Holder::this_process(),
            machine: platform::machine_id(),
            nonce,
            renewals: 0,
            released: false,
            label: String::new(),
        })
    }

    /// Encodes the record as JSON.
    pub(super) fn bytes(&self) -> Result<Vec<u8>, StoreError> {
        serde_json::to_vec(self)
            .map_err(|error| StoreError::new("encode", "a lease", StoreErrorKind::Other, error))
    }

    /// Whether the holder was a process of this machine that has ended.
    fn is_of_dead_process(&self) -> bool {
        self.machine.is_some()
            && self.machine == platform::machine_id()
            && !platform::is_process_alive(self.holder.pid)
    }

    /// Whether another process may take over at once.
    pub(super) fn is_free(&self) -> bool {
        self.released || self.is_of_dead_process()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn a_nonce_has_128_bits_and_each_bit_is_random() {
        let records = (0..200).map(|_| LeaseRecord::new().unwrap());
        let nonces: HashSet<u128> = records
            .map(|record| {
                assert_eq!(record.nonce.len(), 32);
                u128::from_str_radix(&record.nonce, 16).unwrap()
            })
            .collect();
        assert_eq!(nonces.len(), 200);
        // A bit that is the same in 200 random numbers is one case in 2^199.
        let ones = nonces.iter().fold(0, |bits, nonce| bits | nonce);
        let zeros = nonces.iter().fold(0, |bits, nonce| bits | !nonce);
        assert_eq!((ones, zeros), (u128::MAX, u128::MAX));
    }

    #[test]
    fn a_record_is_read_back_from_its_json() {
        let record = LeaseRecord::new().unwrap();
        let read: LeaseRecord = serde_json::from_slice(&record.bytes().unwrap()).unwrap();
        assert_eq!(
            (&read.nonce, &read.machine),
            (&record.nonce, &record.machine)
        );
        assert_eq!(read.holder.pid, std::process::id());
        assert!(!read.is_free());
    }
}
