//! Requests that a store carries out only if an object is as it was seen.

use bytes::Bytes;
use object_store::{Error, ObjectStore, ObjectStoreExt, PutMode, PutOptions};

use super::client::{Remote, absent};
use super::condition::Condition;
use crate::store::{StoreError, StoreErrorKind};
use crate::version::Version;

/// How often an object that another process changes is looked at.
const REPEATS: usize = 5;

impl Remote {
    /// Reads one whole object of at most `at_most` bytes and its version; `None` if it is
    /// absent.
    pub(crate) fn get_version(
        &self,
        key: &str,
        at_most: u64,
    ) -> Result<Option<(Bytes, Version)>, StoreError> {
        let path = self.path(key)?;
        let got = self.ask(|| async {
            let got = self.connection().store.get(&path).await?;
            let version = Version::of(&got.meta);
            let size = got.meta.size;
            let bytes = match size <= at_most {
                true => Ok(got.bytes().await?),
                false => Err(StoreError::too_large(self.name(key), size, at_most)),
            };
            Ok(bytes.map(|bytes| (bytes, version)))
        });
        absent(got).map_err(self.failed("read", key))?.transpose()
    }

    /// Returns the version of an object; `None` if it is absent.
    pub(crate) fn version(&self, key: &str) -> Result<Option<Version>, StoreError> {
        let path = self.path(key)?;
        let head = absent(self.ask(|| self.connection().store.head(&path)));
        let head = head.map_err(self.failed("look at", key))?;
        Ok(head.as_ref().map(Version::of))
    }

    /// Stores an object if what is there is as it was seen; `None` if it is not, or if
    /// the answer was lost. A store without conditions stores it always.
    pub(crate) fn put_seen(
        &self,
        key: &str,
        bytes: Bytes,
        there: Option<&Version>,
    ) -> Result<Option<Version>, StoreError> {
        let mode = match there {
            _ if !self.connection().has_conditions() => PutMode::Overwrite,
            Some(version) => PutMode::Update(version.update()),
            None => PutMode::Create,
        };
        self.put_if(key, bytes, mode)
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
    pub(crate) fn create(&self, key: &str, bytes: Bytes) -> Result<Option<Version>, StoreError> {
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
        version: &Version,
    ) -> Result<Option<Version>, StoreError> {
        self.put_if(key, bytes, PutMode::Update(version.update()))
    }

    fn put_if(
        &self,
        key: &str,
        bytes: Bytes,
        mode: PutMode,
    ) -> Result<Option<Version>, StoreError> {
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
            Ok(put) => Ok(Some(Version::stored(put))),
            Err(Error::AlreadyExists { .. } | Error::Precondition { .. }) => Ok(None),
            Err(error) => Err(self.failed("write", key)(error)),
        }
    }

    /// Removes an object if it still is `version`; it may be absent or another one now,
    /// and stays then. A store that cannot check the condition removes it always.
    ///
    /// # Errors
    /// [`StoreError`] when that version may still exist.
    pub(crate) fn remove_version(&self, key: &str, version: &Version) -> Result<(), StoreError> {
        let path = self.path(key)?;
        let condition = Condition::Version(version.clone());
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
            let condition = Condition::Version(Version::of(&seen));
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
