//! A store that keeps the books: every object that is put leaves its SHA-256,
//! so that `SHA256SUMS` is written without reading anything again.

use std::sync::{Mutex, PoisonError};

use sha2::{Digest, Sha256};

use crate::checksums::{Checksums, checksum_list};
use crate::record::Sha256Sum;
use crate::store::{Store, StoreError, StoredObject};

/// Where the objects of one dataset are put.
pub(crate) struct Output<'a> {
    store: &'a dyn Store,
    checksums: Mutex<Checksums>,
}

impl<'a> Output<'a> {
    pub(crate) fn new(store: &'a dyn Store) -> Self {
        Self {
            store,
            checksums: Mutex::default(),
        }
    }

    /// Puts one object; see [`Store::put`].
    pub(crate) fn put(&self, key: &str, parts: &[&[u8]]) -> Result<Sha256Sum, StoreError> {
        let mut hasher = Sha256::new();
        for part in parts {
            hasher.update(part);
        }
        let checksum = hasher.finalize().into();
        self.store.put(key, parts)?;
        self.note(key, checksum);
        Ok(checksum)
    }

    /// Every object that is there; see [`Store::list`].
    pub(crate) fn list(&self) -> Result<Vec<StoredObject>, StoreError> {
        self.store.list()
    }

    /// Lists an object in the checksums before it is put: the root metadata,
    /// which must be written after the list that names it.
    pub(crate) fn announce(&self, key: &str, bytes: &[u8]) {
        self.note(key, Sha256::digest(bytes).into());
    }

    /// Lists an object that an earlier run has put.
    pub(crate) fn note(&self, key: &str, checksum: Sha256Sum) {
        let mut checksums = self
            .checksums
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        checksums.insert(key.to_owned(), checksum);
    }

    /// The list that `sha256sum -c` reads, one line an object, ordered by key.
    pub(crate) fn checksum_list(&self) -> String {
        let checksums = self
            .checksums
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        checksum_list(&checksums)
    }
}
