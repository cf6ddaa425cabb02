//! The objects of a store whose keys begin with a prefix.

use std::ops::Range;
use std::sync::Arc;

use rxrx_storage::{Store, StoreError, StoredObject, Streamed, Version, WriteObject};

/// A part of another store: its objects below a prefix, by the rest of their keys.
#[derive(Clone)]
pub(crate) struct PrefixedStore {
    inner: Arc<dyn Store>,
    /// The prefix, with `/` at its end.
    prefix: String,
}

impl PrefixedStore {
    /// Makes a store of the objects of `inner` below `prefix`, which ends with `/`.
    pub(crate) fn new(inner: Arc<dyn Store>, prefix: String) -> Self {
        Self { inner, prefix }
    }

    /// Returns the key of an object in the store as a whole.
    pub(crate) fn full_key(&self, key: &str) -> String {
        format!("{}{key}", self.prefix)
    }
}

impl Store for PrefixedStore {
    fn put(&self, key: &str, parts: &[&[u8]]) -> Result<(), StoreError> {
        self.inner.put(&self.full_key(key), parts)
    }

    fn put_streamed(&self, key: &str, write: WriteObject<'_>) -> Result<Streamed, StoreError> {
        self.inner.put_streamed(&self.full_key(key), write)
    }

    fn put_with_checksum(&self, key: &str, bytes: &[u8], sha256: &str) -> Result<(), StoreError> {
        self.inner
            .put_with_checksum(&self.full_key(key), bytes, sha256)
    }

    fn writers(&self) -> usize {
        self.inner.writers()
    }

    fn writer_bytes(&self) -> usize {
        self.inner.writer_bytes()
    }

    fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.inner.get(&self.full_key(key))
    }

    fn get_at_most(&self, key: &str, at_most: u64) -> Result<Option<Vec<u8>>, StoreError> {
        self.inner.get_at_most(&self.full_key(key), at_most)
    }

    fn get_range(&self, key: &str, range: Range<u64>) -> Result<Option<Vec<u8>>, StoreError> {
        self.inner.get_range(&self.full_key(key), range)
    }

    fn remove(&self, key: &str) -> Result<(), StoreError> {
        self.inner.remove(&self.full_key(key))
    }

    fn flush_name(&self, key: &str) -> Result<(), StoreError> {
        self.inner.flush_name(&self.full_key(key))
    }

    fn remove_all(&self, keys: &[String]) -> Result<(), StoreError> {
        let keys: Vec<String> = keys.iter().map(|key| self.full_key(key)).collect();
        self.inner.remove_all(&keys)
    }

    fn version(&self, key: &str) -> Result<Option<Version>, StoreError> {
        self.inner.version(&self.full_key(key))
    }

    fn get_version(
        &self,
        key: &str,
        at_most: u64,
    ) -> Result<Option<(Vec<u8>, Version)>, StoreError> {
        self.inner.get_version(&self.full_key(key), at_most)
    }

    fn put_if(
        &self,
        key: &str,
        bytes: &[u8],
        there: Option<&Version>,
    ) -> Result<Option<Version>, StoreError> {
        self.inner.put_if(&self.full_key(key), bytes, there)
    }

    fn has_late_requests(&self) -> bool {
        self.inner.has_late_requests()
    }

    fn list(&self) -> Result<Vec<StoredObject>, StoreError> {
        let objects = self.inner.list()?.into_iter();
        let below = |object: StoredObject| {
            let key = object.key.strip_prefix(&self.prefix)?.to_owned();
            Some(StoredObject { key, ..object })
        };
        Ok(objects.filter_map(below).collect())
    }
}
