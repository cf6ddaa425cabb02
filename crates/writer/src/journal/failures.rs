//! Parts whose last worker failed: `failed/PART.json`, which the next worker that ends the part
//! removes. It only tells the user; nothing relies on it.

use rxrx_storage::{StoreError, process_and_host};
use serde::{Deserialize, Serialize};

use super::entry::{JournalError, encode_entry, parse};
use super::run::{FAILED, Journal};

/// Largest entry that is read.
const BYTES_AT_MOST: u64 = 1 << 20;

/// Why a part is not done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedPart {
    /// The part, from 0.
    pub part: usize,
    /// Process and host of the worker.
    pub process: String,
    /// The error, with its causes.
    pub error: String,
}

impl Journal<'_> {
    /// Notes that this process failed at a part.
    pub(crate) fn note_failure(&self, part: usize, error: String) -> Result<(), JournalError> {
        let key = key(part);
        let failed = FailedPart {
            part,
            process: process_and_host(),
            error,
        };
        Ok(self.store().put(&key, &[&encode_entry(&key, &failed)?])?)
    }

    /// Forgets the failure at a part.
    pub(crate) fn forget_failure(&self, part: usize) -> Result<(), StoreError> {
        match self.store().version(&key(part))? {
            Some(_) => self.store().remove(&key(part)),
            None => Ok(()),
        }
    }

    /// Returns the failure at the part of that key, if it is one that can be read.
    pub(crate) fn failure(&self, key: &str) -> Result<Option<FailedPart>, StoreError> {
        if !key.starts_with(FAILED) {
            return Ok(None);
        }
        let entry = self.store().get_at_most(key, BYTES_AT_MOST)?;
        Ok(entry.and_then(|entry| parse(&entry).ok()))
    }
}

fn key(part: usize) -> String {
    format!("{FAILED}{part}.json")
}
