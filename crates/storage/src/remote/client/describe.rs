//! Descriptions of the objects of a [`Remote`], and their first bytes.

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use object_store::{Error, GetOptions, ObjectStore, ObjectStoreExt};

use super::{PublishedChecksum, REQUESTS_A_CALL, Remote, RemoteObject, SHA256, absent};
use crate::remote::retry;
use crate::store::{StoreError, StoreErrorKind};
use crate::version::Version;

impl Remote {
    /// Returns the description of one object; `None` if it is absent.
    ///
    /// # Errors
    /// [`StoreError`] when the store does not answer or denies the request.
    pub fn head(&self, key: &str) -> Result<Option<RemoteObject>, StoreError> {
        let path = self.path(key)?;
        let head = self.ask(|| self.connection.store.head(&path));
        let head = absent(head).map_err(self.failed("look at", key))?;
        Ok(head.map(|meta| self.described(meta)))
    }

    /// Returns the size of each object; `None` for one that is absent or denied. Several
    /// objects are looked at at the same time.
    ///
    /// # Errors
    /// [`StoreError`] when the store does not answer.
    pub fn sizes(&self, keys: &[&str]) -> Result<Vec<Option<u64>>, StoreError> {
        let ask = |key| async move {
            let path = self.path(key)?;
            let look = || self.connection.store.head(&path);
            let head = absent(retry::retry(&self.connection.retry, look).await);
            match head.map_err(self.failed("look at", key)) {
                Err(error) if error.kind == StoreErrorKind::Denied => Ok(None),
                head => Ok(head?.map(|meta| meta.size)),
            }
        };
        let asked: Vec<_> = keys.iter().copied().map(ask).collect();
        self.wait(stream::iter(asked).buffered(REQUESTS_A_CALL).try_collect())
    }

    /// Returns the description and the version of one object; `None` if it is absent.
    pub(in crate::remote) fn seen(
        &self,
        key: &str,
    ) -> Result<Option<(RemoteObject, Version)>, StoreError> {
        let path = self.path(key)?;
        let head = self.ask(|| self.connection.store.head(&path));
        let head = absent(head).map_err(self.failed("look at", key))?;
        Ok(head.map(|meta| {
            let version = Version::of(&meta);
            (self.described(meta), version)
        }))
    }

    /// Returns the size of each object and the checksum that
    /// [`Self::put_with_checksum`] gave it; `None` for an absent object. Several
    /// objects are looked at at the same time.
    ///
    /// # Errors
    /// [`StoreError`] when the store does not answer or denies a request.
    pub fn published_checksums(
        &self,
        keys: &[&str],
    ) -> Result<Vec<Option<PublishedChecksum>>, StoreError> {
        let ask = |key| async move {
            let path = self.path(key)?;
            let options = GetOptions {
                head: true,
                ..GetOptions::default()
            };
            let look = || self.connection.store.get_opts(&path, options.clone());
            let got = absent(retry::retry(&self.connection.retry, look).await);
            let got = got.map_err(self.failed("look at", key))?;
            Ok(got.map(|got| PublishedChecksum {
                size: got.meta.size,
                sha256: got.attributes.get(&SHA256).map(|sum| sum.to_string()),
            }))
        };
        let asked: Vec<_> = keys.iter().copied().map(ask).collect();
        self.wait(stream::iter(asked).buffered(REQUESTS_A_CALL).try_collect())
    }

    /// Reads the first `at_most` bytes of several objects at the same time, in the
    /// order of `keys`; `None` for an absent object.
    ///
    /// # Errors
    /// [`StoreError`] in place of each object that exists but cannot be read.
    pub fn get_all(
        &self,
        keys: &[&str],
        at_most: u64,
    ) -> Vec<Result<Option<(RemoteObject, Bytes)>, StoreError>> {
        let read = |key| self.get_head(key, at_most);
        let reads: Vec<_> = keys.iter().copied().map(read).collect();
        self.wait(stream::iter(reads).buffered(REQUESTS_A_CALL).collect())
    }

    async fn get_head(
        &self,
        key: &str,
        at_most: u64,
    ) -> Result<Option<(RemoteObject, Bytes)>, StoreError> {
        let path = self.path(key)?;
        let options = GetOptions {
            range: Some((0..at_most.max(1)).into()),
            ..GetOptions::default()
        };
        let read = || async {
            let got = match self.connection.store.get_opts(&path, options.clone()).await {
                // A server refuses every range of an empty object.
                Err(error) if !matches!(error, Error::NotFound { .. }) => {
                    return match self.connection.store.head(&path).await {
                        Ok(meta) if meta.size == 0 => Ok((meta, Bytes::new())),
                        _ => Err(error),
                    };
                }
                got => got?,
            };
            let meta = got.meta.clone();
            Ok((meta, got.bytes().await?))
        };
        let read = absent(retry::retry(&self.connection.retry, read).await);
        let read = read.map_err(self.failed("read", key))?;
        Ok(read.map(|(meta, bytes)| (self.described(meta), bytes)))
    }
}
