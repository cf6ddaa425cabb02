//! A store that keeps the books: every object that is put leaves its SHA-256,
//! so that `SHA256SUMS` is written without reading anything again.

use std::collections::{BTreeMap, HashSet};
use std::fmt::Write;
use std::sync::{Mutex, PoisonError};

use sha2::{Digest, Sha256};

use crate::store::{Store, StoreError};

type Checksum = [u8; 32];

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

    /// Whether all that was put is still there: somebody may have removed part
    /// of it, and then the dataset must not be called complete.
    ///
    /// # Errors
    /// [`StoreError`] names the first object that is gone, or says why the store
    /// cannot be listed.
    pub(crate) fn refuse_removed(&self) -> Result<(), StoreError> {
        let objects = self.store.list()?;
        let there: HashSet<&str> = objects.iter().map(|object| object.key.as_str()).collect();
        let checksums = self
            .checksums
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        match checksums.keys().find(|key| !there.contains(key.as_str())) {
            Some(key) => Err(StoreError {
                action: "seal without",
                object: key.clone(),
                source: "somebody removed it while the others were being written".into(),
            }),
            None => Ok(()),
        }
    }

    /// The list that `sha256sum -c` reads, one line an object, ordered by key.
    pub(crate) fn checksum_list(&self) -> String {
        let checksums = self
            .checksums
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let mut list = String::new();
        for (key, checksum) in &*checksums {
            for byte in checksum {
                // Writing to a String cannot fail.
                let _ = write!(list, "{byte:02x}");
            }
            let _ = writeln!(list, "  {key}");
        }
        list
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::Memory;

    #[test]
    fn what_somebody_removed_is_missed() {
        let store = Memory::new();
        let output = Output::new(&store);
        for key in ["a/1", "a/2"] {
            output.put(key, &[b"x"]).unwrap();
        }
        output.refuse_removed().unwrap();
        store.objects.lock().unwrap().remove(1);
        let error = output.refuse_removed().unwrap_err();
        assert_eq!(error.to_string(), "cannot seal without a/2");
    }
}
