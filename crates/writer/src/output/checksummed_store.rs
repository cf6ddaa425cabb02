//! A store that keeps the SHA-256 of every object that is put, so that
//! `SHA256SUMS` is written without reading anything again.

use std::collections::{BTreeMap, HashMap};
use std::io::{self, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rxrx_format::keys::{CARD, SHARDS};
use rxrx_format::{Sha256Sum, StoredFile, checksum_list};
use rxrx_storage::{Store, StoreError, Streamed, Version, WriteObject};
use sha2::{Digest, Sha256};

use crate::journal::{RecordedObject, StoredUnit};
use crate::store_checksums::record_store_checksums;

/// Checksum and size of an object that was put.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ObjectChecksum {
    pub(crate) sha256: Sha256Sum,
    /// Size of the object in bytes.
    pub(crate) bytes: u64,
}

/// An object that was put is gone, or is no longer as long as it was.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{key} was stored with {expected} bytes and now {}: somebody else changed the output; \
     nothing is sealed, run the same command again to write what is missing",
    match .found {
        Some(found) => format!("has {found}"),
        None => "is gone".to_owned(),
    }
)]
pub struct LostObject {
    /// The object.
    pub key: String,
    /// Its size in bytes when it was stored.
    pub expected: u64,
    /// Its size now, if it is there.
    pub found: Option<u64>,
}

/// Hashes and counts what is written.
struct Counted<'a> {
    to: &'a mut dyn Write,
    hasher: &'a mut Sha256,
    bytes: &'a mut u64,
}

impl Write for Counted<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.to.write(bytes)?;
        self.hasher.update(bytes.get(..written).unwrap_or(bytes));
        *self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

/// Where the objects of one dataset are put.
pub(crate) struct ChecksummedStore<'a> {
    store: &'a dyn Store,
    /// The store of objects of the dataset that are kept, where that is another one.
    kept: Option<&'a dyn Store>,
    entries: Mutex<BTreeMap<String, ObjectChecksum>>,
}

impl<'a> ChecksummedStore<'a> {
    pub(crate) fn new(store: &'a dyn Store) -> Self {
        Self {
            store,
            kept: None,
            entries: Mutex::default(),
        }
    }

    /// Makes the store of a dataset that keeps objects of `kept`.
    pub(crate) fn with_kept(self, kept: Option<&'a dyn Store>) -> Self {
        Self { kept, ..self }
    }

    /// Puts one object; see [`Store::put`].
    pub(crate) fn put(&self, key: &str, parts: &[&[u8]]) -> Result<Sha256Sum, StoreError> {
        let mut hasher = Sha256::new();
        for part in parts {
            hasher.update(part);
        }
        let entry = ObjectChecksum {
            sha256: hasher.finalize().into(),
            bytes: parts.iter().map(|part| part.len() as u64).sum(),
        };
        self.store.put(key, parts)?;
        self.lock().insert(key.to_owned(), entry);
        Ok(entry.sha256)
    }

    /// Puts one object piece by piece; see [`Store::put_streamed`]. `None` when `write`
    /// discarded it. The version is the one that was put, where the store tells it.
    pub(crate) fn put_streamed(
        &self,
        key: &str,
        write: WriteObject<'_>,
    ) -> Result<Option<(ObjectChecksum, Option<Version>)>, StoreError> {
        let mut hasher = Sha256::new();
        let mut bytes = 0;
        let put = self.store.put_streamed(
            key,
            Box::new(|to| {
                write(&mut Counted {
                    to,
                    hasher: &mut hasher,
                    bytes: &mut bytes,
                })
            }),
        )?;
        let Streamed::Stored(version) = put else {
            return Ok(None);
        };
        let sha256 = hasher.finalize().into();
        let checksum = ObjectChecksum { sha256, bytes };
        self.lock().insert(key.to_owned(), checksum);
        Ok(Some((checksum, version)))
    }

    /// Whether an object is there and has those bytes.
    pub(crate) fn holds(&self, key: &str, bytes: &[u8]) -> bool {
        matches!(self.store.get(key), Ok(Some(found)) if found == bytes)
    }

    /// What is known of an object that was put.
    pub(crate) fn stored(&self, key: &'static str) -> Option<StoredFile> {
        let ObjectChecksum { sha256, bytes } = *self.lock().get(key)?;
        Some(StoredFile { key, bytes, sha256 })
    }

    /// Adds the objects of a unit that an earlier run has put.
    pub(crate) fn add_stored(&self, unit: &StoredUnit) {
        let mut entries = self.lock();
        for RecordedObject { key, bytes, sha256 } in unit.objects() {
            entries.insert(key, ObjectChecksum { sha256, bytes });
        }
    }

    /// The number of shards that were put.
    pub(crate) fn shards(&self) -> usize {
        let entries = self.lock();
        let shards = entries.keys().filter(|key| key.starts_with(SHARDS));
        shards.count()
    }

    /// The first object that is not as it was put, if there is one: then the
    /// dataset must not be called complete.
    pub(crate) fn lost(&self) -> Result<Option<LostObject>, StoreError> {
        let kept = self.kept.map(Store::list).transpose()?.unwrap_or_default();
        let objects = kept.into_iter().chain(self.store.list()?);
        let sizes: HashMap<String, u64> = objects.map(|object| (object.key, object.size)).collect();
        let entries = self.lock();
        Ok(entries.iter().find_map(|(key, entry)| {
            let found = sizes.get(key).copied();
            (found != Some(entry.bytes)).then(|| LostObject {
                key: key.clone(),
                expected: entry.bytes,
                found,
            })
        }))
    }

    /// Records the checksums that the store has of all that was put but the card, which
    /// people edit.
    pub(crate) fn record_store_checksums(&self) -> Result<(), StoreError> {
        let mut keys: Vec<String> = self.lock().keys().cloned().collect();
        keys.retain(|key| key != CARD);
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        record_store_checksums(self.store, &keys)
    }

    /// The list that `sha256sum -c` reads, of all that was put but the card, and of `coming`,
    /// the root metadata, which is written after the list that names it.
    pub(crate) fn checksum_list(&self, coming: (&str, &[u8])) -> String {
        let (key, bytes) = coming;
        let entries = self.lock();
        let sums = entries
            .iter()
            .filter(|(key, _)| *key != CARD)
            .map(|(key, entry)| (key.clone(), entry.sha256));
        let coming = (key.to_owned(), Sha256::digest(bytes).into());
        checksum_list(&sums.chain([coming]).collect())
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, ObjectChecksum>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rxrx_storage::testing::Memory;

    #[test]
    fn what_somebody_removed_is_missed() {
        let store = Memory::new();
        let output = ChecksummedStore::new(&store);
        for key in ["a/1", "a/2"] {
            output.put(key, &[b"x"]).unwrap();
        }
        assert_eq!(output.lost().unwrap(), None);
        store.put("a/1", &[b"xy"]).unwrap();
        let longer = output.lost().unwrap().unwrap();
        assert_eq!((&longer.key[..], longer.found), ("a/1", Some(2)));
        store.put("a/1", &[b"x"]).unwrap();
        store.remove("a/2").unwrap();
        let error = output.lost().unwrap().unwrap().to_string();
        assert!(error.contains("a/2 was stored with 1 bytes and now is gone"));
    }
}
