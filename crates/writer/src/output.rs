//! A store that keeps the books: every object that is put leaves its SHA-256,
//! so that `SHA256SUMS` is written without reading anything again.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::{Mutex, PoisonError};

use sha2::{Digest, Sha256};

use crate::store::{Store, StoreError};

/// A SHA-256.
pub(crate) type Checksum = [u8; 32];

/// Where the objects of one dataset are put.
pub(crate) struct Output<'a> {
    store: &'a dyn Store,
    checksums: Mutex<BTreeMap<String, Checksum>>,
}

impl<'a> Output<'a> {
    pub(crate) fn new(store: &'a dyn Store) -> Self {
        Self {
            store,
            checksums: Mutex::default(),
        }
    }

    /// Puts one object; see [`Store::put`].
    pub(crate) fn put(&self, key: &str, parts: &[&[u8]]) -> Result<(), StoreError> {
        let mut hasher = Sha256::new();
        for part in parts {
            hasher.update(part);
        }
        self.store.put(key, parts)?;
        self.note(key, hasher.finalize().into());
        Ok(())
    }

    /// Lists an object in the checksums before it is put: the root metadata,
    /// which must be written after the list that names it.
    pub(crate) fn announce(&self, key: &str, bytes: &[u8]) {
        self.note(key, Sha256::digest(bytes).into());
    }

    fn note(&self, key: &str, checksum: Checksum) {
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
        list_of(&checksums)
    }
}

/// One line an object, ordered by key.
pub(crate) fn list_of(checksums: &BTreeMap<String, Checksum>) -> String {
    let lines = checksums.iter();
    lines
        .map(|(key, checksum)| format!("{}  {key}\n", hex(checksum)))
        .collect()
}

/// Lower-case hexadecimal digits, as `sha256sum` writes them.
pub(crate) fn hex(checksum: &Checksum) -> String {
    let mut digits = String::new();
    for byte in checksum {
        // Writing to a String cannot fail.
        let _ = write!(digits, "{byte:02x}");
    }
    digits
}
