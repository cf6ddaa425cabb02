//! Requests that a store carries out only if an object is as it was seen.

use bytes::Bytes;
use object_store::{Error, ObjectStore, ObjectStoreExt, PutMode, PutOptions, UpdateVersion};

use super::client::{Remote, absent};
use super::condition::Condition;
use crate::store::{StoreError, StoreErrorKind};

/// How often an object that another process changes is looked at.
const REPEATS: usize = 5;

/// One version of an object: its ETag, or its generation at Google.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ObjectVersion(UpdateVersion);

impl Remote {
    /// Reads one whole object of at most `at_most` bytes and its version; `None` if it is
    /// absent.
    pub(crate) fn get_version(
        &self,
        key: &str,
        at_most: u64,
    ) -> Result<Option<(Bytes, ObjectVersion)>, StoreError> {
        let path = self.path(key)?;
        let got = self.ask(|| async {
            let got = self.connection().store.get(&path).await?;
            let version = UpdateVersion {
                e_tag: got.meta.e_tag.clone(),
                version: got.meta.version.clone(),
            };
            let size = got.meta.size;
            let bytes = match size <= at_most {
                true => Ok(got.bytes().await?),
                false => Err(StoreError::too_large(self.name(key), size, at_most)),
            };
            Ok(bytes.map(|bytes| (bytes, ObjectVersion(version))))
        });
        absent(got).map_err(self.failed("read", key))?.transpose()
    }

    /// Stores an object only if its key is free (`If-None-Match: *`); `None` if it is
    /// not.
    ///
    /// It is also `None` if the object was stored, the answer was lost, and the request
    /// was repeated. Read the object to find out.
    ///
    /// # Errors
    /// [`StoreError`]. Its kind is [`StoreErrorKind::Unsupported`] when the store has no
    /// conditional put.
    pub(crate) fn create(
        &self,
        key: &str,
        bytes: Bytes,
    ) -> Result<Option<ObjectVersion>, StoreError> {
        self.put_if(key, bytes, PutMode::Create)
    }

    /// Replaces an object only if it still is `version` (`If-Match`); `None` if it is
    /// not, or if the answer was lost, as with [`Self::create`].
    ///
    /// # Errors
    /// As for [`Self::create`].
    pub(crate) fn replace(
        &self,
        key: &str,
        bytes: Bytes,
        version: &ObjectVersion,
    ) -> Result<Option<ObjectVersion>, StoreError> {
        self.put_if(key, bytes, PutMode::Update(version.0.clone()))
    }

    fn put_if(
        &self,
        key: &str,
        bytes: Bytes,
        mode: PutMode,
    ) -> Result<Option<ObjectVersion>, StoreError> {
        let path = self.path(key)?;
        let options = PutOptions {
            mode,
            attributes: self.attributes(key),
            ..PutOptions::default()
        };
        let put = || {
            let payload = bytes.clone().into();
            let store = &self.connection().store;
            store.put_opts(&path, payload, options.clone())
        };
        match self.ask(put) {
            Ok(put) => Ok(Some(ObjectVersion(put.into()))),
            Err(Error::AlreadyExists { .. } | Error::Precondition { .. }) => Ok(None),
            Err(error) => Err(self.failed("write", key)(error)),
        }
    }

    /// Removes an object if it still is `version`; it may be absent or another one now,
    /// and stays then. A store that cannot check the condition removes it always.
    ///
    /// # Errors
    /// [`StoreError`] when that version may still exist.
    pub(crate) fn remove_version(
        &self,
        key: &str,
        version: &ObjectVersion,
    ) -> Result<(), StoreError> {
        let path = self.path(key)?;
        let condition = Condition::Version {
            e_tag: version.0.e_tag.clone(),
            generation: version.0.version.clone(),
        };
        let remove = || {
            let removed = self.connection().store.delete(&path);
            condition.clone().of(removed)
        };
        match self.ask(remove) {
            Err(Error::NotFound { .. } | Error::Precondition { .. }) => Ok(()),
            removed => removed.map_err(self.failed("remove", key)),
        }
    }

    /// Removes one object as it is now; it may be absent. A removal that arrives late
    /// finds another version then, unless the object has the same bytes again.
    ///
    /// # Errors
    /// [`StoreError`] when the object may still exist.
    pub(super) fn remove_as_seen(&self, key: &str) -> Result<(), StoreError> {
        let path = self.path(key)?;
        for _ in 0..REPEATS {
            let head = absent(self.ask(|| self.connection().store.head(&path)));
            let Some(seen) = head.map_err(self.failed("look at", key))? else {
                return Ok(());
            };
            let condition = Condition::Version {
                e_tag: seen.e_tag,
                generation: seen.version,
            };
            let remove = || condition.clone().of(self.connection().store.delete(&path));
            match self.ask(remove) {
                Err(Error::Precondition { .. }) => {}
                removed => {
                    absent(removed).map_err(self.failed("remove", key))?;
                    return Ok(());
                }
            }
        }
        let changed = "another process changes it again and again";
        let kind = StoreErrorKind::Changed;
        Err(StoreError::new("remove", self.name(key), kind, changed))
    }
}
