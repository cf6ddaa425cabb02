//! Requests to one store, below one address.

mod attributes;
mod checksum_probe;
mod describe;
mod listing;
mod stored_checksums;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::future::Future;
use std::io;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use object_store::RetryConfig;
use object_store::path::Path;
use object_store::{
    Attribute, Attributes, Error, GetOptions, ObjectMeta, ObjectStore, ObjectStoreExt,
};

use super::builders::{self, Opening, StoreAndPrefix};
use super::connection::Connection;
use super::fence::Fence;
use super::own_options::{self, OpenError};
use super::retry;
use super::store_advice::{AdvisedError, without_users};
use super::unfinished_uploads::{UnfinishedUpload, UploadsOfBucket};
use super::upload::Upload;
use super::versioned_files::VersionedFiles;
use crate::location::{Address, Location};
use crate::store::{StoreError, StoreErrorKind, StoredObject, Streamed, WriteObject, WriteOutcome};
use crate::version::Version;

/// The number of requests that one call sends at the same time.
const REQUESTS_A_CALL: usize = 32;

/// The objects at and below an address. Every call blocks until the store has
/// answered.
#[derive(Clone)]
pub struct Remote {
    connection: Connection,
    address: Address,
    /// The start of the keys of all objects.
    base: Path,
    /// Whether the store was opened by [`Self::folder`].
    is_folder: bool,
    /// The class of the objects that are put.
    storage_class: Option<String>,
}

/// The description of an object by its store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteObject {
    /// The key, relative to the address.
    pub key: String,
    /// The size in bytes.
    pub size: u64,
    /// A tag that changes when the object is replaced; `None` if the store has no
    /// tags.
    pub e_tag: Option<String>,
    /// The time of the last put by the clock of the store, in milliseconds since
    /// 1970.
    pub modified: i64,
}

/// The size and the checksum of an object that was published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublishedChecksum {
    /// The size in bytes.
    pub size: u64,
    /// The SHA-256 in hexadecimal digits; `None` for an object that was put without
    /// it.
    pub sha256: Option<String>,
}

/// The metadata of an object that holds its SHA-256: `x-amz-meta-sha256` in S3.
const SHA256: Attribute = Attribute::Metadata(Cow::Borrowed("sha256"));

impl Remote {
    /// Opens the objects below `address`. An `http` or `https` address whose host is
    /// not known speaks S3, and its first name is the bucket.
    ///
    /// # Errors
    /// [`StoreError`] when an option is not understood or the store cannot be
    /// opened. No request is sent.
    pub fn folder(address: &Address) -> Result<Self, StoreError> {
        Self::open_folder(address, &Opening::default())
    }

    /// Opens the one object at `address`; its key is `""`. An `http` or `https`
    /// address whose host is not known is a plain file on a web server.
    ///
    /// # Errors
    /// [`StoreError`] when an option is not understood or the store cannot be
    /// opened. No request is sent.
    pub fn object(address: &Address) -> Result<Self, StoreError> {
        Self::open(address, builders::object(address))
    }

    /// Returns the same objects by a client that asks S3 for the checksums of an object.
    fn asking_checksums(&self) -> Result<Self, StoreError> {
        if !self.is_folder {
            return Ok(self.clone());
        }
        let opening = Opening {
            fence: None,
            checksum: self.connection.checksum.clone(),
            has_worked: self.connection.has_worked.clone(),
            asks_checksums: true,
        };
        Self::open_folder(&self.address, &opening)
    }

    fn open_folder(address: &Address, opening: &Opening) -> Result<Self, StoreError> {
        let mut remote = Self::open(address, builders::folder(address, opening))?;
        remote.is_folder = true;
        remote.connection.checksum = opening.checksum.clone();
        remote.connection.has_worked = opening.has_worked.clone();
        Ok(remote)
    }

    fn open(
        address: &Address,
        opened: Result<StoreAndPrefix, OpenError>,
    ) -> Result<Self, StoreError> {
        let failed = |source: OpenError| {
            let kind = StoreErrorKind::Other;
            // The error can name the endpoint.
            let source = without_users(&source.to_string());
            StoreError::new("reach", address.to_string(), kind, source)
        };
        let (store, base) = opened.map_err(failed)?;
        let retry = own_options::retry(address).map_err(failed)?;
        let connection = Connection::new(store, retry);
        Ok(Self {
            connection: connection.map_err(|error| failed(error.to_string().into()))?,
            address: address.clone(),
            base,
            is_folder: false,
            storage_class: own_options::storage_class(address).map_err(failed)?,
        })
    }

    /// Returns the same objects by a client whose writes ask `fence` before each try. It
    /// creates an object only where there is none, and replaces it only as it was seen,
    /// if the store has such conditions.
    ///
    /// # Errors
    /// [`StoreError`], as [`Self::folder`].
    pub(crate) fn fenced(&self, fence: Arc<dyn Fence>) -> Result<Self, StoreError> {
        let mut fenced = self.clone();
        if self.is_folder {
            let opening = Opening {
                fence: Some(fence),
                checksum: self.connection.checksum.clone(),
                has_worked: self.connection.has_worked.clone(),
                asks_checksums: false,
            };
            fenced.connection = Self::open_folder(&self.address, &opening)?.connection;
        }
        let has_conditions = own_options::has_conditions(&self.address);
        fenced.connection.set_conditions(has_conditions);
        Ok(fenced)
    }

    /// Lists the uploads in parts of objects below the address that nobody has completed;
    /// `None` where the store does not list them.
    ///
    /// # Errors
    /// [`StoreError`] when the store does not answer.
    pub(crate) fn unfinished_uploads(&self) -> Result<Option<Vec<UnfinishedUpload>>, StoreError> {
        let Some(uploads) = self.uploads(None)? else {
            return Ok(None);
        };
        let listed = self.ask(|| uploads.below(&self.base));
        listed.map_err(self.failed("list the unfinished uploads of", ""))
    }

    /// Gives up uploads in this bucket, by a client that asks `fence` before each try.
    ///
    /// # Errors
    /// [`StoreError`] when one of them may still exist.
    pub(crate) fn give_up(
        &self,
        uploads: &[UnfinishedUpload],
        fence: Arc<dyn Fence>,
    ) -> Result<(), StoreError> {
        let Some(bucket) = self.uploads(Some(fence))? else {
            return Ok(());
        };
        let given_up = uploads.iter().map(|upload| bucket.give_up(upload));
        let given_up: Vec<_> = given_up.collect();
        let given_up = stream::iter(given_up).buffer_unordered(REQUESTS_A_CALL);
        let given_up = self.wait(given_up.try_collect::<()>());
        given_up.map_err(self.failed("give up the unfinished uploads of", ""))
    }

    fn uploads(
        &self,
        fence: Option<Arc<dyn Fence>>,
    ) -> Result<Option<UploadsOfBucket>, StoreError> {
        if !self.is_folder {
            return Ok(None);
        }
        let opening = Opening {
            fence,
            has_worked: self.connection.has_worked.clone(),
            ..Opening::default()
        };
        builders::uploads(&self.address, &opening).map_err(|error| {
            let text = without_users(&error.to_string());
            StoreError::new(
                "reach",
                self.address.to_string(),
                StoreErrorKind::Other,
                text,
            )
        })
    }

    /// Puts no more conditions on writes, because the store has none.
    pub(crate) fn forget_conditions(&self) {
        self.connection.set_conditions(false);
    }

    /// Returns the same objects by requests that fail after `limit`, with all their
    /// repeats.
    pub(crate) fn within(&self, limit: Duration) -> Self {
        let mut limited = self.clone();
        limited.connection.limit = Some(limit);
        limited
    }

    /// Opens small objects in `folder`, which a file system without locks may hold. It
    /// has conditional puts and removals; other requests fail.
    ///
    /// # Errors
    /// [`StoreError`] when the operating system gives no threads, or does not know the
    /// folder in which this process is.
    pub(crate) fn on_files(folder: &std::path::Path) -> Result<Self, StoreError> {
        let failed =
            |error: std::io::Error| StoreError::from_io("use", folder.display().to_string(), error);
        let folder = std::path::absolute(folder).map_err(failed)?;
        let address = Address::of_folder(&folder);
        let address = address.ok_or_else(|| failed(std::io::ErrorKind::InvalidInput.into()))?;
        let store = Arc::new(VersionedFiles::below(&folder));
        Ok(Self {
            connection: Connection::new(store, RetryConfig::default()).map_err(failed)?,
            address,
            base: Path::default(),
            is_folder: false,
            storage_class: None,
        })
    }

    /// Opens the objects below `base` in `store`.
    ///
    /// # Panics
    /// `base` is not a key, or the operating system gives no threads.
    #[cfg(any(test, feature = "testing"))]
    #[allow(clippy::panic, clippy::unwrap_used, reason = "only tests call it")]
    pub fn on(store: Arc<dyn ObjectStore>, base: &str) -> Self {
        let address = Location::parse(format!("s3://test/{base}").as_ref(), &Arc::default());
        let Ok(Location::Remote(address)) = address else {
            panic!("{base} is no key");
        };
        Self {
            connection: Connection::new(store, RetryConfig::default()).unwrap(),
            address,
            base: Path::from(base),
            is_folder: false,
            storage_class: None,
        }
    }

    pub(super) fn connection(&self) -> &Connection {
        &self.connection
    }

    #[cfg(test)]
    pub(super) fn connection_mut(&mut self) -> &mut Connection {
        &mut self.connection
    }

    /// Returns the objects below the address with `suffix` at its end, in the same
    /// store. They are put in its usual class, because they do not stay for long.
    pub fn beside(&self, suffix: &str) -> Self {
        Self {
            address: self.address.with_suffix(suffix),
            base: Path::from(format!("{}{suffix}", self.base)),
            storage_class: None,
            ..self.clone()
        }
    }

    /// Returns the address.
    pub fn location(&self) -> Location {
        Location::Remote(self.address.clone())
    }

    /// Reads one whole object; `None` if it is absent.
    ///
    /// # Errors
    /// [`StoreError`] when the object exists but cannot be read.
    pub fn get(&self, key: &str) -> Result<Option<Bytes>, StoreError> {
        self.get_at_most(key, u64::MAX)
    }

    /// Reads one whole object of at most `at_most` bytes; `None` if it is absent. The
    /// content of a larger one is not asked for.
    ///
    /// # Errors
    /// [`StoreError`] when the object exists but cannot be read, or is larger.
    pub fn get_at_most(&self, key: &str, at_most: u64) -> Result<Option<Bytes>, StoreError> {
        let path = self.path(key)?;
        let got = self.ask(|| async {
            let got = self.connection.store.get(&path).await?;
            let size = got.meta.size;
            let bytes = match size <= at_most {
                true => Some(got.bytes().await?),
                false => None,
            };
            Ok((size, bytes))
        });
        match absent(got).map_err(self.failed("read", key))? {
            Some((size, None)) => Err(StoreError::too_large(self.name(key), size, at_most)),
            found => Ok(found.and_then(|(_, bytes)| bytes)),
        }
    }

    /// Reads the bytes in `range` of one object; `None` where there is none.
    ///
    /// # Errors
    /// It cannot be read, or `range` ends beyond it.
    pub fn get_part(&self, key: &str, range: Range<u64>) -> Result<Option<Bytes>, StoreError> {
        let read = self.get_part_of(key, range, None)?;
        Ok(read.map(|(bytes, _)| bytes))
    }

    /// Reads the bytes in `range` of one object, if it still is the version `seen`, and
    /// returns its version; `None` where there is none.
    ///
    /// # Errors
    /// The errors of [`Self::get_part`]. The kind is [`StoreErrorKind::Changed`] when it is
    /// another version.
    pub(crate) fn get_part_of(
        &self,
        key: &str,
        range: Range<u64>,
        seen: Option<&Version>,
    ) -> Result<Option<(Bytes, Version)>, StoreError> {
        let beyond = |size| StoreError::beyond_end(self.name(key), &range, size);
        if range.is_empty() {
            // A request cannot ask for no bytes.
            let path = self.path(key)?;
            let head = absent(self.ask(|| self.connection.store.head(&path)));
            return match head.map_err(self.failed("look at", key))? {
                Some(object) if range.start > range.end || range.end > object.size => {
                    Err(beyond(object.size))
                }
                found => Ok(found.map(|object| (Bytes::new(), Version::of(&object)))),
            };
        }
        let path = self.path(key)?;
        let tag = seen.and_then(|seen| seen.e_tag.clone());
        let options = GetOptions {
            range: Some(range.clone().into()),
            // A weak one never matches (RFC 9110, 13.1.1).
            if_match: tag.filter(|tag| !tag.starts_with("W/")),
            ..GetOptions::default()
        };
        let bytes = range.end.saturating_sub(range.start);
        let read = || async {
            let got = self.connection.store.get_opts(&path, options.clone());
            let got = got.await?;
            let version = Version::of(&got.meta);
            Ok((got.meta.size, version, got.bytes().await?))
        };
        let read = self.ask(|| self.connection.hedge().ask(bytes, &read));
        match absent(read) {
            // Some servers ignore the condition.
            Ok(Some((_, version, _))) if seen.is_some_and(|seen| !version.may_be(seen)) => {
                Err(StoreError::replaced(self.name(key)))
            }
            Err(Error::Precondition { .. }) => Err(StoreError::replaced(self.name(key))),
            Ok(Some((size, _, bytes))) if bytes.len() as u64 != range.end - range.start => {
                Err(beyond(size))
            }
            Ok(found) => Ok(found.map(|(_, version, bytes)| (bytes, version))),
            Err(error) => Err(self.failed("read", key)(error)),
        }
    }

    /// Reads parts of `object`, several at once, in the order of `ranges`.
    ///
    /// # Errors
    /// [`StoreError`] when one of them cannot be read. Its kind is
    /// [`StoreErrorKind::Changed`] when the object was replaced or removed.
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
            // Some servers ignore the condition.
            if object.may_equal(&found) {
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

    /// Stores one whole object with its SHA-256, in hexadecimal digits, as metadata.
    ///
    /// # Errors
    /// [`StoreError`]; then nothing is visible that was not there before.
    pub fn put_with_checksum(
        &self,
        key: &str,
        bytes: &[u8],
        sha256: &str,
    ) -> Result<(), StoreError> {
        self.put_with_metadata(key, Some(sha256.to_owned()), write_all(bytes))
    }

    /// Stores one whole object that `write` produces, and its SHA-256 as metadata where it
    /// is known.
    pub(super) fn put_with_metadata(
        &self,
        key: &str,
        sha256: Option<String>,
        write: WriteObject<'_>,
    ) -> Result<(), StoreError> {
        let mut attributes = self.attributes(key);
        if let Some(sha256) = sha256 {
            attributes.insert(SHA256, sha256.into());
        }
        self.put_described(key, attributes, false, write)?;
        Ok(())
    }

    /// Stores one whole object.
    ///
    /// # Errors
    /// [`StoreError`]; then nothing is visible that was not there before.
    pub fn put(&self, key: &str, bytes: Bytes) -> Result<(), StoreError> {
        self.put_streamed(key, write_all(&bytes))?;
        Ok(())
    }

    /// Stores an object only if its key is free (`If-None-Match: *`). Returns
    /// whether it was stored.
    ///
    /// It also returns false if the object was stored and the answer was lost, and
    /// the request was repeated. Read the object to find out.
    ///
    /// # Errors
    /// [`StoreError`]. Its kind is [`StoreErrorKind::Unsupported`] when the store
    /// has no conditional put.
    pub fn put_new(&self, key: &str, bytes: Bytes) -> Result<bool, StoreError> {
        Ok(self.create(key, bytes)?.is_some())
    }

    /// Stores one whole object that `write` produces piece by piece. Nothing is
    /// visible before the last piece has arrived.
    pub fn put_streamed(&self, key: &str, write: WriteObject<'_>) -> Result<Streamed, StoreError> {
        self.put_described(key, self.attributes(key), false, write)
    }

    /// Stores an object as [`Self::put_streamed`] does, but only where there is none or one of
    /// the same bytes, if the store has conditions.
    pub(super) fn create_streamed(
        &self,
        key: &str,
        write: WriteObject<'_>,
    ) -> Result<Streamed, StoreError> {
        self.put_described(key, self.attributes(key), true, write)
    }

    fn put_described(
        &self,
        key: &str,
        attributes: Attributes,
        creates: bool,
        write: WriteObject<'_>,
    ) -> Result<Streamed, StoreError> {
        let path = self.path(key)?;
        let failed = |source: io::Error| {
            // The writer wraps an error of the store; its kind is kept.
            let advised = source
                .get_ref()
                .and_then(|inner| inner.downcast_ref::<AdvisedError>());
            let kind = advised.map_or(StoreErrorKind::Other, |advised| advised.kind);
            StoreError::new("write", self.name(key), kind, source)
        };
        let mut upload = Upload::new(&self.connection, path, attributes);
        if creates {
            upload = upload.creating();
        }
        match write(&mut upload) {
            Ok(WriteOutcome::Store) => {
                let version = upload.finish().map_err(failed)?;
                Ok(Streamed::Stored(Some(version)))
            }
            Ok(WriteOutcome::Discard) => {
                upload.abort();
                Ok(Streamed::Discarded)
            }
            Err(error) => {
                upload.abort();
                Err(failed(error))
            }
        }
    }

    /// Removes one object; it may be absent.
    ///
    /// # Errors
    /// [`StoreError`] when the object may still exist.
    pub fn remove(&self, key: &str) -> Result<(), StoreError> {
        if self.connection.has_conditions() {
            return self.remove_as_seen(key);
        }
        let path = self.path(key)?;
        let removed = self.ask(|| self.connection.store.delete(&path));
        absent(removed).map_err(self.failed("remove", key))?;
        Ok(())
    }

    /// Removes objects, with few requests if the store can remove several at once;
    /// they may be absent.
    ///
    /// # Errors
    /// [`StoreError`] when one of them may still exist.
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

    /// Waits for an answer.
    fn wait<T>(&self, answer: impl Future<Output = T>) -> T {
        self.connection.wait(answer)
    }

    /// Waits for an answer, and repeats the request when the answer breaks off.
    pub(super) fn ask<T, A>(&self, ask: impl FnMut() -> A) -> object_store::Result<T>
    where
        A: Future<Output = object_store::Result<T>>,
    {
        self.connection.ask(ask)
    }

    pub(super) fn path(&self, key: &str) -> Result<Path, StoreError> {
        let full = match (self.base.as_ref(), key) {
            (base, "") => base.to_owned(),
            ("", key) => key.to_owned(),
            (base, key) => format!("{base}/{key}"),
        };
        Path::parse(full).map_err(|error| self.failed("name", key)(error.into()))
    }

    /// Returns the address of an object for a message.
    pub(super) fn name(&self, key: &str) -> String {
        match key {
            "" => self.address.to_string(),
            key => self.address.join(key).to_string(),
        }
    }

    pub(super) fn failed<'a>(
        &'a self,
        action: &'static str,
        key: &'a str,
    ) -> impl Fn(Error) -> StoreError + 'a {
        move |error| {
            let advised = AdvisedError::from(error);
            StoreError::new(action, self.name(key), advised.kind, advised)
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
}

impl RemoteObject {
    /// Whether `now`, which has the same key, may be the same object: the tags are
    /// equal or, without tags, the times.
    fn may_equal(&self, now: &Self) -> bool {
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

/// Turns the error of an absent object into `None`.
pub(super) fn absent<T>(result: object_store::Result<T>) -> object_store::Result<Option<T>> {
    match result {
        Err(Error::NotFound { .. }) => Ok(None),
        result => result.map(Some),
    }
}

/// Writes `bytes` as a whole object.
fn write_all(bytes: &[u8]) -> WriteObject<'_> {
    Box::new(|object| {
        object.write_all(bytes)?;
        Ok(WriteOutcome::Store)
    })
}
