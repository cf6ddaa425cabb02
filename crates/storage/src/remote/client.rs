//! Requests to one store, below one address.

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::future::Future;
use std::io;
use std::ops::Range;
#[cfg(any(test, feature = "testing"))]
use std::sync::Arc;

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
#[cfg(any(test, feature = "testing"))]
use object_store::RetryConfig;
use object_store::path::Path;
use object_store::{
    Attribute, Attributes, Error, GetOptions, ObjectMeta, ObjectStore, ObjectStoreExt, PutMode,
    PutOptions,
};

use super::connection::Connection;
use super::open;
use super::retry;
use super::store_advice::Refusal;
use super::upload::Upload;
use crate::location::{Address, Location};
use crate::store::{StoreError, StoreErrorKind, StoredObject, WriteObject, WriteOutcome};

/// Requests to one store that a single call makes at once.
pub const REQUESTS_A_CALL: usize = 32;
/// Folders in folders that are looked into for enough to list at once.
const LEVELS_AT_MOST: usize = 4;

/// What lies at and below an address.
#[derive(Clone)]
pub struct Remote {
    connection: Connection,
    address: Address,
    /// What all keys begin with.
    base: Path,
}

/// What a store says of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteObject {
    /// The key, relative to the address.
    pub key: String,
    /// The size in bytes.
    pub size: u64,
    /// Another one once the object was replaced.
    pub e_tag: Option<String>,
    /// By the clock of the store, in milliseconds since 1970.
    pub modified: i64,
}

/// What an object was published with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublishedChecksum {
    /// The size in bytes.
    pub size: u64,
    /// In hexadecimal digits; `None` for an object that somebody else has put.
    pub sha256: Option<String>,
}

/// Beside an object, what is in it: `x-amz-meta-sha256`, and likewise elsewhere.
const SHA256: Attribute = Attribute::Metadata(Cow::Borrowed("sha256"));

impl Remote {
    /// All that lies below `address`. An `http` or `https` address whose host is
    /// not known speaks S3, and its first name is the bucket.
    ///
    /// # Errors
    /// The options are not understood, or the store cannot be reached at all.
    pub fn folder(address: &Address) -> Result<Self, StoreError> {
        Self::open(address, open::folder(address))
    }

    /// The one object at `address`, by the key `""`. An `http` or `https`
    /// address whose host is not known is a plain file on a web server.
    ///
    /// # Errors
    /// As [`Self::folder`].
    pub fn object(address: &Address) -> Result<Self, StoreError> {
        Self::open(address, open::object(address))
    }

    fn open(address: &Address, opened: open::Opened) -> Result<Self, StoreError> {
        let failed = |source: open::OpenError| {
            let kind = StoreErrorKind::Unreachable;
            StoreError::new("reach", address.to_string(), kind, source)
        };
        let (store, base) = opened.map_err(failed)?;
        let retry = open::retry(address).map_err(failed)?;
        let connection = Connection::new(store, retry);
        Ok(Self {
            connection: connection.map_err(|error| failed(error.to_string().into()))?,
            address: address.clone(),
            base,
        })
    }

    /// The same below another store.
    #[cfg(any(test, feature = "testing"))]
    pub fn on(store: Arc<dyn ObjectStore>, base: &str) -> Self {
        let address = Location::parse(format!("s3://test/{base}").as_ref(), &Arc::default());
        let Ok(Location::Remote(address)) = address else {
            panic!("{base} is no key");
        };
        Self {
            connection: Connection::new(store, RetryConfig::default()).unwrap(),
            address,
            base: Path::from(base),
        }
    }

    #[cfg(test)]
    pub(super) fn connection_mut(&mut self) -> &mut Connection {
        &mut self.connection
    }

    /// What has the same name with `suffix` at its end, in the same store.
    pub fn beside(&self, suffix: &str) -> Self {
        Self {
            address: self.address.with_suffix(suffix),
            base: Path::from(format!("{}{suffix}", self.base)),
            ..self.clone()
        }
    }

    /// Where it lies.
    pub fn location(&self) -> Location {
        Location::Remote(self.address.clone())
    }

    /// Reads one whole object; `None` where there is none.
    pub fn get(&self, key: &str) -> Result<Option<Bytes>, StoreError> {
        let path = self.path(key)?;
        let got = self.ask(|| async { self.connection.store.get(&path).await?.bytes().await });
        absent(got).map_err(self.failed("read", key))
    }

    /// Reads parts of `object`, several at once, in the order of `ranges`.
    ///
    /// # Errors
    /// One of them cannot be read, or there is another object in its place now.
    pub fn get_ranges(
        &self,
        object: &RemoteObject,
        ranges: &[Range<u64>],
    ) -> Result<Vec<Bytes>, StoreError> {
        let path = self.path(&object.key)?;
        let reads = ranges.iter().cloned();
        let reads = reads.map(|range| self.get_range(object, &path, range));
        let reads: Vec<_> = reads.collect();
        self.wait(
            stream::iter(reads)
                .buffered(REQUESTS_A_CALL)
                .try_collect::<Vec<_>>(),
        )
    }

    async fn get_range(
        &self,
        object: &RemoteObject,
        path: &Path,
        range: Range<u64>,
    ) -> Result<Bytes, StoreError> {
        let options = GetOptions {
            range: Some(range.into()),
            // A weak one never matches (RFC 9110, 13.1.1).
            if_match: object.e_tag.clone().filter(|tag| !tag.starts_with("W/")),
            ..GetOptions::default()
        };
        let changed = || {
            let text = "it was replaced while it was read: run the same command again";
            StoreError::new(
                "read",
                self.name(&object.key),
                StoreErrorKind::Changed,
                text,
            )
        };
        let read = || async {
            let got = self
                .connection
                .store
                .get_opts(path, options.clone())
                .await?;
            let found = self.described(got.meta.clone());
            // Not every server heeds the condition.
            if object.may_be(&found) {
                Ok(Some(got.bytes().await?))
            } else {
                Ok(None)
            }
        };
        match retry::retry(&self.connection.retry, read).await {
            Ok(Some(bytes)) => Ok(bytes),
            Ok(None) | Err(Error::Precondition { .. } | Error::NotFound { .. }) => Err(changed()),
            Err(error) => Err(self.failed("read", &object.key)(error)),
        }
    }

    /// Reads objects, or their first `at_most` bytes, several at once, in the
    /// order of `keys`; `None` for those that are not there.
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
                // Of an object without bytes there is no range.
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

    /// What the store says of one object; `None` where there is none.
    pub fn head(&self, key: &str) -> Result<Option<RemoteObject>, StoreError> {
        let path = self.path(key)?;
        let head = self.ask(|| self.connection.store.head(&path));
        let head = absent(head).map_err(self.failed("look at", key))?;
        Ok(head.map(|meta| self.described(meta)))
    }

    /// Every object below the address, ordered by key.
    pub fn list(&self) -> Result<Vec<RemoteObject>, StoreError> {
        let listed = self.ask(|| {
            self.connection
                .store
                .list(Some(&self.base))
                .try_collect::<Vec<_>>()
        });
        let listed = listed.map_err(self.failed("list", ""))?;
        Ok(self.sorted(listed))
    }

    /// Those whose key begins with `folder`.
    pub fn below(&self, folder: &str) -> Result<Vec<RemoteObject>, StoreError> {
        let path = self.path(folder.trim_end_matches('/'))?;
        let listed = self.ask(|| {
            self.connection
                .store
                .list(Some(&path))
                .try_collect::<Vec<_>>()
        });
        let listed = listed.map_err(self.failed("list", folder))?;
        Ok(self.sorted(listed))
    }

    /// As [`Self::list`], each folder some levels down on its own and several of
    /// them at once: a store lists at most 1,000 objects a request.
    pub fn list_wide(&self) -> Result<Vec<RemoteObject>, StoreError> {
        let mut objects = Vec::new();
        let listed = self.wait(async {
            let mut folders = vec![self.base.clone()];
            for _ in 0..LEVELS_AT_MOST {
                if folders.len() >= REQUESTS_A_CALL {
                    break;
                }
                let level = |folder: Path| async move {
                    let ask = || self.connection.store.list_with_delimiter(Some(&folder));
                    retry::retry(&self.connection.retry, ask).await
                };
                let levels = stream::iter(folders).map(level).buffered(REQUESTS_A_CALL);
                let levels: Vec<_> = levels.try_collect().await?;
                folders = Vec::new();
                for level in levels {
                    folders.extend(level.common_prefixes);
                    objects.extend(level.objects);
                }
            }
            let below = |folder: Path| async move {
                let ask = || {
                    self.connection
                        .store
                        .list(Some(&folder))
                        .try_collect::<Vec<_>>()
                };
                retry::retry(&self.connection.retry, ask).await
            };
            let below = stream::iter(folders).map(below).buffered(REQUESTS_A_CALL);
            for listed in below.try_collect::<Vec<_>>().await? {
                objects.extend(listed);
            }
            Ok(())
        });
        listed.map_err(self.failed("list", ""))?;
        Ok(self.sorted(objects))
    }

    /// What the store says of each object, several at once, and the checksum
    /// that it was given by [`Self::put_with_checksum`]; `None` for one that is not
    /// there.
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

    /// Stores one whole object, and with it its checksum.
    pub fn put_with_checksum(
        &self,
        key: &str,
        bytes: &[u8],
        sha256: &str,
    ) -> Result<(), StoreError> {
        let mut attributes = attributes(key);
        attributes.insert(SHA256, sha256.to_owned().into());
        self.put_described(key, attributes, write_all(bytes))?;
        Ok(())
    }

    /// Stores one whole object.
    pub fn put(&self, key: &str, bytes: Bytes) -> Result<(), StoreError> {
        self.put_streamed(key, write_all(&bytes))?;
        Ok(())
    }

    /// Stores an object where there is none. False: there was one; it is this
    /// one, should an answer have been lost.
    pub fn put_new(&self, key: &str, bytes: Bytes) -> Result<bool, StoreError> {
        let path = self.path(key)?;
        let options = PutOptions {
            mode: PutMode::Create,
            attributes: attributes(key),
            ..PutOptions::default()
        };
        let put = || {
            let payload = bytes.clone().into();
            self.connection
                .store
                .put_opts(&path, payload, options.clone())
        };
        match self.ask(put) {
            Ok(_) => Ok(true),
            Err(Error::AlreadyExists { .. } | Error::Precondition { .. }) => Ok(false),
            Err(error) => Err(self.failed("write", key)(error)),
        }
    }

    /// Stores one whole object that `write` produces piece by piece. Nothing is
    /// visible before the last piece has arrived.
    pub fn put_streamed(
        &self,
        key: &str,
        write: WriteObject<'_>,
    ) -> Result<WriteOutcome, StoreError> {
        self.put_described(key, attributes(key), write)
    }

    fn put_described(
        &self,
        key: &str,
        attributes: Attributes,
        write: WriteObject<'_>,
    ) -> Result<WriteOutcome, StoreError> {
        let path = self.path(key)?;
        let failed = |source: io::Error| {
            // An error of the store is kept as it is inside that of the writer.
            let refusal = source
                .get_ref()
                .and_then(|inner| inner.downcast_ref::<Refusal>());
            let kind = refusal.map_or(StoreErrorKind::Other, |refusal| refusal.kind);
            StoreError::new("write", self.name(key), kind, source)
        };
        let mut upload = Upload::new(&self.connection, path, attributes);
        match write(&mut upload) {
            Ok(WriteOutcome::Store) => {
                upload.finish().map_err(failed)?;
                Ok(WriteOutcome::Store)
            }
            Ok(WriteOutcome::Discard) => {
                upload.abort();
                Ok(WriteOutcome::Discard)
            }
            Err(error) => {
                upload.abort();
                Err(failed(error))
            }
        }
    }

    /// Removes one object; it need not be there.
    pub fn remove(&self, key: &str) -> Result<(), StoreError> {
        let path = self.path(key)?;
        let removed = self.ask(|| self.connection.store.delete(&path));
        absent(removed).map_err(self.failed("remove", key))?;
        Ok(())
    }

    /// Removes objects, many a request where the store can; they need not be
    /// there.
    pub fn remove_all(&self, keys: &[String]) -> Result<(), StoreError> {
        let paths: Vec<Path> = keys
            .iter()
            .map(|key| self.path(key))
            .collect::<Result<_, _>>()?;
        let removed = self.ask(|| {
            let paths = stream::iter(paths.clone().into_iter().map(Ok)).boxed();
            let removed = self.connection.store.delete_stream(paths);
            let there = removed.map(|removed| match removed {
                Ok(_) | Err(Error::NotFound { .. }) => Ok(()),
                Err(error) => Err(error),
            });
            there.try_collect::<Vec<()>>()
        });
        removed.map_err(self.failed("remove objects of", ""))?;
        Ok(())
    }

    /// Names of objects and folders at the top.
    pub fn entries(&self) -> Result<Vec<String>, StoreError> {
        let listed = self.ask(|| self.connection.store.list_with_delimiter(Some(&self.base)));
        let listed = listed.map_err(self.failed("list", ""))?;
        let objects = listed.objects.into_iter().map(|object| object.location);
        let paths = objects.chain(listed.common_prefixes);
        // Some servers list a folder as an object of its own.
        let paths = paths.filter(|path| *path != self.base);
        Ok(paths
            .filter_map(|path| path.filename().map(str::to_owned))
            .collect())
    }

    /// Waits for an answer.
    fn wait<T>(&self, answer: impl Future<Output = T>) -> T {
        self.connection.wait(answer)
    }

    /// Waits for an answer, and asks again for one that breaks off.
    fn ask<T, A>(&self, ask: impl FnMut() -> A) -> object_store::Result<T>
    where
        A: Future<Output = object_store::Result<T>>,
    {
        self.connection.ask(ask)
    }

    fn path(&self, key: &str) -> Result<Path, StoreError> {
        let full = match (self.base.as_ref(), key) {
            (base, "") => base.to_owned(),
            ("", key) => key.to_owned(),
            (base, key) => format!("{base}/{key}"),
        };
        Path::parse(full).map_err(|error| self.failed("name", key)(error.into()))
    }

    /// An object as a user would find it.
    fn name(&self, key: &str) -> String {
        match key {
            "" => self.address.to_string(),
            key => self.address.join(key).to_string(),
        }
    }

    fn failed<'a>(
        &'a self,
        action: &'static str,
        key: &'a str,
    ) -> impl Fn(Error) -> StoreError + 'a {
        move |error| {
            let refusal = Refusal::from(error);
            StoreError::new(action, self.name(key), refusal.kind, refusal)
        }
    }

    fn described(&self, meta: ObjectMeta) -> RemoteObject {
        let key = meta.location.as_ref();
        let key = key.strip_prefix(self.base.as_ref()).unwrap_or(key);
        RemoteObject {
            key: key.trim_start_matches('/').to_owned(),
            size: meta.size,
            e_tag: meta.e_tag,
            modified: meta.last_modified.timestamp_millis(),
        }
    }

    fn sorted(&self, listed: Vec<ObjectMeta>) -> Vec<RemoteObject> {
        let objects = listed.into_iter().map(|meta| self.described(meta));
        // Some servers list a folder as an object of its own.
        let mut objects: Vec<_> = objects.filter(|object| !object.key.is_empty()).collect();
        objects.sort_by(|a, b| a.key.cmp(&b.key));
        objects
    }
}

impl RemoteObject {
    /// Whether `now`, which was found in its place, may be the same object.
    fn may_be(&self, now: &Self) -> bool {
        let tags = self.e_tag.as_ref().zip(now.e_tag.as_ref());
        let is_same = tags.map_or(self.modified == now.modified, |(then, now)| then == now);
        self.size == now.size && is_same
    }
}

impl From<RemoteObject> for StoredObject {
    fn from(object: RemoteObject) -> Self {
        Self {
            key: object.key,
            size: object.size,
        }
    }
}

/// `None` for what is not there.
fn absent<T>(result: object_store::Result<T>) -> object_store::Result<Option<T>> {
    match result {
        Err(Error::NotFound { .. }) => Ok(None),
        result => result.map(Some),
    }
}

/// What a browser is told of the content.
fn attributes(key: &str) -> Attributes {
    let kind = match key.rsplit_once('.') {
        Some((_, "json")) => "application/json",
        Some((_, "md")) => "text/markdown; charset=utf-8",
        Some((_, "parquet")) => "application/vnd.apache.parquet",
        _ => "application/octet-stream",
    };
    Attributes::from_iter([(Attribute::ContentType, kind)])
}

/// Writes `bytes` as a whole object.
fn write_all(bytes: &[u8]) -> WriteObject<'_> {
    Box::new(|object| {
        object.write_all(bytes)?;
        Ok(WriteOutcome::Store)
    })
}
