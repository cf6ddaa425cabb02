//! Objects below an address of an object store.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::bring::CopyConditions;
use super::client::Remote;
use super::fence::{Fence, wait_until_open};
use super::upload::LARGEST_UPLOAD;
use crate::store::{
    Store, StoreError, StoreErrorKind, StoredChecksums, StoredObject, Streamed, WriteObject,
};
use crate::version::Version;

/// The number of objects to put at the same time: while one upload is completed,
/// others send their parts.
const WRITERS: usize = 4;

/// The number of ranges to read at the same time: a bucket is far away, and sends each
/// object slowly.
const READERS: usize = 32;

/// A [`Store`] in an object store.
///
/// A put is one request, or a multipart upload that becomes visible when it is
/// completed. The store has stored the object durably when it answers.
pub struct RemoteStore {
    remote: Remote,
    /// The check before each put and each removal. The client asks it again before each
    /// try, if it is one of [`Remote::fenced`].
    fence: Option<Arc<dyn Fence>>,
    /// The objects of the work folder.
    work: Option<Remote>,
    /// Whether objects that are streamed are only created.
    creates: Arc<AtomicBool>,
    copy_conditions: CopyConditions,
}

impl RemoteStore {
    /// Makes a store of the objects below `remote`. Without a `fence` every write is
    /// allowed.
    pub fn new(remote: Remote, fence: Option<Arc<dyn Fence>>) -> Self {
        Self {
            remote,
            fence,
            work: None,
            creates: Arc::default(),
            copy_conditions: CopyConditions::default(),
        }
    }

    /// Returns the store with the work folder from which it can bring objects.
    #[must_use]
    pub fn with_work(self, work: Remote) -> Self {
        Self {
            work: Some(work),
            ..self
        }
    }

    /// Returns the store that only creates the objects of [`Store::put_streamed`] while
    /// `creates` is true: where there is another object, the put fails.
    #[must_use]
    pub fn creating_if(self, creates: Arc<AtomicBool>) -> Self {
        Self { creates, ..self }
    }

    fn check(&self, action: &'static str, key: &str) -> Result<(), StoreError> {
        let fence = self.fence.as_deref();
        fence.map_or(Ok(()), wait_until_open).map_err(|source| {
            let object = self.remote.location().join(key).to_string();
            StoreError::new(action, object, StoreErrorKind::Changed, source)
        })
    }
}

impl Store for RemoteStore {
    fn put(&self, key: &str, parts: &[&[u8]]) -> Result<(), StoreError> {
        self.check("write", key)?;
        self.remote.put(key, parts.concat().into())
    }

    fn writers(&self) -> usize {
        WRITERS
    }

    fn writer_bytes(&self) -> usize {
        LARGEST_UPLOAD
    }

    fn put_streamed(&self, key: &str, write: WriteObject<'_>) -> Result<Streamed, StoreError> {
        self.check("write", key)?;
        // The flag is set before the first put, and orders no other memory.
        match self.creates.load(Ordering::Relaxed) {
            true => self.remote.create_streamed(key, write),
            false => self.remote.put_streamed(key, write),
        }
    }

    fn put_with_checksum(&self, key: &str, bytes: &[u8], sha256: &str) -> Result<(), StoreError> {
        self.check("write", key)?;
        self.remote.put_with_checksum(key, bytes, sha256)
    }

    fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.remote.get(key)?.map(Into::into))
    }

    fn get_at_most(&self, key: &str, at_most: u64) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.remote.get_at_most(key, at_most)?.map(Into::into))
    }

    fn get_range(&self, key: &str, range: Range<u64>) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.remote.get_part(key, range)?.map(Into::into))
    }

    fn remove(&self, key: &str) -> Result<(), StoreError> {
        self.check("remove", key)?;
        self.remote.remove(key)
    }

    fn remove_all(&self, keys: &[String]) -> Result<(), StoreError> {
        self.check("remove", "")?;
        self.remote.remove_all(keys)
    }

    fn version(&self, key: &str) -> Result<Option<Version>, StoreError> {
        self.remote.version(key)
    }

    fn size_and_version(&self, key: &str) -> Result<Option<(u64, Version)>, StoreError> {
        let seen = self.remote.seen(key)?;
        Ok(seen.map(|(object, version)| (object.size, version)))
    }

    fn get_version(
        &self,
        key: &str,
        at_most: u64,
    ) -> Result<Option<(Vec<u8>, Version)>, StoreError> {
        let found = self.remote.get_version(key, at_most)?;
        Ok(found.map(|(bytes, version)| (bytes.into(), version)))
    }

    fn get_range_of(
        &self,
        key: &str,
        range: Range<u64>,
        seen: Option<&Version>,
    ) -> Result<Option<(Vec<u8>, Version)>, StoreError> {
        let found = self.remote.get_part_of(key, range, seen)?;
        Ok(found.map(|(bytes, version)| (bytes.into(), version)))
    }

    fn readers(&self) -> usize {
        READERS
    }

    fn put_if(
        &self,
        key: &str,
        bytes: &[u8],
        there: Option<&Version>,
    ) -> Result<Option<Version>, StoreError> {
        self.check("write", key)?;
        self.remote.put_seen(key, bytes.to_vec().into(), there)
    }

    fn bring(&self, from: &str, key: &str) -> Result<(), StoreError> {
        self.check("write", key)?;
        let work = self.work.as_ref().unwrap_or(&self.remote);
        self.remote.bring(work, (from, key), &self.copy_conditions)
    }

    fn has_late_requests(&self) -> bool {
        true
    }

    fn list(&self) -> Result<Vec<StoredObject>, StoreError> {
        let objects = self.remote.list()?.into_iter();
        Ok(objects.map(Into::into).collect())
    }

    fn sizes(&self, keys: &[&str]) -> Result<Vec<Option<u64>>, StoreError> {
        self.remote.sizes(keys)
    }

    fn stored_checksums(
        &self,
        keys: &[&str],
    ) -> Result<Option<Vec<Option<StoredChecksums>>>, StoreError> {
        self.remote.stored_checksums(keys).map(Some)
    }
}
