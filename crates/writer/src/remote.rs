//! Object stores behind calls that wait.
//!
//! The [`object_store`] crate speaks to S3, Google Cloud Storage, Azure and
//! plain HTTP servers. It is asynchronous; nothing outside this module is: a
//! few threads of a runtime of its own do the waiting, and whoever calls is
//! blocked meanwhile. That is what the pipeline's readers and its storer are
//! for.
//!
//! - Requests that fail for a passing reason (no connection, one that broke,
//!   429, 5xx) are repeated after a pause that doubles each time, with jitter,
//!   for up to [`RETRY_FOR`]. What was read before a connection broke is not
//!   read again, other than of a list.
//! - At most [`REQUESTS_AT_ONCE`] requests of a store are under way.
//! - What is put carries a checksum that the server compares: SHA-256 (S3),
//!   CRC-32C (Google) or MD5 (Azure, unless the key of the account signs).
//! - An object that grows beyond [`PART`] bytes is uploaded in parts of that
//!   size, [`PARTS_AT_ONCE`] at a time, while the next ones are made. So one
//!   object holds at most [`PART`] x ([`PARTS_AT_ONCE`] + 1) bytes of memory,
//!   40 MiB.

mod again;
mod aws_profile;
mod checked;
mod object;
mod open;
mod refusal;
#[cfg(test)]
mod tests;
mod upload;

use std::borrow::Cow;
use std::future::Future;
use std::io;
use std::ops::Range;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use object_store::path::Path;
use object_store::{
    Attribute, Attributes, Error, GetOptions, ObjectMeta, ObjectStore, ObjectStoreExt, PutMode,
    PutOptions, RetryConfig,
};
use tokio::runtime::Runtime;

pub(crate) use self::object::{ReadAhead, RemoteBytes};
pub(crate) use self::refusal::Refusal;
use self::upload::Upload;
use crate::location::{Address, Location};
use crate::store::{StoreError, StoredObject, WriteObject};

/// Requests to one store under way at once.
const REQUESTS_AT_ONCE: usize = 64;
/// Requests to one store that a single call makes at once.
pub(crate) const REQUESTS_A_CALL: usize = 32;
/// Folders in folders that are looked into for enough to list at once.
const LEVELS_AT_MOST: usize = 4;
/// How long a request is repeated.
const RETRY_FOR: Duration = Duration::from_secs(180);
/// Bytes of a part. S3 wants at least 5 MiB, and at most 10,000 parts.
pub(crate) const PART: usize = 8 << 20;
/// Parts of one object under way at once.
const PARTS_AT_ONCE: usize = 4;
/// Threads that wait for answers.
const THREADS: usize = 2;

/// What lies at and below an address.
#[derive(Clone)]
pub(crate) struct Remote {
    store: Arc<dyn ObjectStore>,
    runtime: &'static Runtime,
    address: Address,
    /// What all keys begin with.
    base: Path,
    retry: RetryConfig,
}

/// What a store says of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RemoteObject {
    /// The key, relative to the address.
    pub(crate) key: String,
    /// The size in bytes.
    pub(crate) size: u64,
    /// Another one once the object was replaced.
    pub(crate) e_tag: Option<String>,
    /// By the clock of the store, in milliseconds since 1970.
    pub(crate) modified: i64,
}

/// What an object was published with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Label {
    /// The size in bytes.
    pub(crate) size: u64,
    /// In hexadecimal digits; `None` for an object that somebody else has put.
    pub(crate) sha256: Option<String>,
}

/// Beside an object, what is in it: `x-amz-meta-sha256`, and likewise elsewhere.
const SHA256: Attribute = Attribute::Metadata(Cow::Borrowed("sha256"));

impl Remote {
    /// All that lies below `address`. An `http` or `https` address whose host is
    /// not known speaks S3, and its first name is the bucket.
    ///
    /// # Errors
    /// The options are not understood, or the store cannot be reached at all.
    pub(crate) fn folder(address: &Address) -> Result<Self, StoreError> {
        Self::open(address, open::folder(address))
    }

    /// The one object at `address`, by the key `""`. An `http` or `https`
    /// address whose host is not known is a plain file on a web server.
    ///
    /// # Errors
    /// As [`Self::folder`].
    pub(crate) fn object(address: &Address) -> Result<Self, StoreError> {
        Self::open(address, open::object(address))
    }

    fn open(address: &Address, opened: open::Opened) -> Result<Self, StoreError> {
        let failed = |source: open::OpenError| StoreError {
            action: "reach",
            object: address.to_string(),
            source,
        };
        let (store, base) = opened.map_err(failed)?;
        Ok(Self {
            store,
            runtime: runtime().map_err(|error| failed(error.to_string().into()))?,
            address: address.clone(),
            base,
            retry: open::retry(address).map_err(failed)?,
        })
    }

    /// The same below another store.
    #[cfg(test)]
    pub(crate) fn on(store: Arc<dyn ObjectStore>, base: &str) -> Self {
        let address = Location::parse(format!("s3://test/{base}").as_ref(), &Arc::default());
        let Ok(Location::Remote(address)) = address else {
            panic!("{base} is no key");
        };
        Self {
            store,
            runtime: runtime().unwrap(),
            address,
            base: Path::from(base),
            retry: RetryConfig::default(),
        }
    }

    /// What has the same name with `suffix` at its end, in the same store.
    pub(crate) fn beside(&self, suffix: &str) -> Self {
        Self {
            address: self.address.with_suffix(suffix),
            base: Path::from(format!("{}{suffix}", self.base)),
            ..self.clone()
        }
    }

    /// Where it lies.
    pub(crate) fn location(&self) -> Location {
        Location::Remote(self.address.clone())
    }

    /// Reads one whole object; `None` where there is none.
    pub(crate) fn get(&self, key: &str) -> Result<Option<Bytes>, StoreError> {
        let path = self.path(key)?;
        let got = self.ask(|| async { self.store.get(&path).await?.bytes().await });
        absent(got).map_err(self.failed("read", key))
    }

    /// Reads parts of `object`, several at once, in the order of `ranges`.
    ///
    /// # Errors
    /// One of them cannot be read, or there is another object in its place now.
    pub(crate) fn get_ranges(
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
        let changed = || StoreError {
            action: "read",
            object: self.name(&object.key),
            source: "it was replaced while it was read: run the same command again".into(),
        };
        let got = match self.store.get_opts(path, options).await {
            Err(Error::Precondition { .. } | Error::NotFound { .. }) => return Err(changed()),
            got => got.map_err(self.failed("read", &object.key))?,
        };
        // Not every server heeds the condition.
        if !object.may_be(&self.described(got.meta.clone())) {
            return Err(changed());
        }
        let bytes = got.bytes().await;
        bytes.map_err(self.failed("read", &object.key))
    }

    /// Reads objects, or their first `at_most` bytes, several at once, in the
    /// order of `keys`; `None` for those that are not there.
    pub(crate) fn get_all(
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
        let read = async {
            let got = match self.store.get_opts(&path, options).await {
                // Of an object without bytes there is no range.
                Err(error) if !matches!(error, Error::NotFound { .. }) => {
                    return match self.store.head(&path).await {
                        Ok(meta) if meta.size == 0 => Ok((meta, Bytes::new())),
                        _ => Err(error),
                    };
                }
                got => got?,
            };
            let meta = got.meta.clone();
            Ok((meta, got.bytes().await?))
        };
        let read = absent(read.await).map_err(self.failed("read", key))?;
        Ok(read.map(|(meta, bytes)| (self.described(meta), bytes)))
    }

    /// What the store says of one object; `None` where there is none.
    pub(crate) fn head(&self, key: &str) -> Result<Option<RemoteObject>, StoreError> {
        let path = self.path(key)?;
        let head = self.ask(|| self.store.head(&path));
        let head = absent(head).map_err(self.failed("look at", key))?;
        Ok(head.map(|meta| self.described(meta)))
    }

    /// Every object below the address, ordered by key.
    pub(crate) fn list(&self) -> Result<Vec<RemoteObject>, StoreError> {
        let listed = self.ask(|| self.store.list(Some(&self.base)).try_collect::<Vec<_>>());
        let listed = listed.map_err(self.failed("list", ""))?;
        Ok(self.sorted(listed))
    }

    /// Those whose key begins with `folder`.
    pub(crate) fn below(&self, folder: &str) -> Result<Vec<RemoteObject>, StoreError> {
        let path = self.path(folder.trim_end_matches('/'))?;
        let listed = self.ask(|| self.store.list(Some(&path)).try_collect::<Vec<_>>());
        let listed = listed.map_err(self.failed("list", folder))?;
        Ok(self.sorted(listed))
    }

    /// As [`Self::list`], each folder some levels down on its own and several of
    /// them at once: a store lists at most 1,000 objects a request.
    pub(crate) fn list_wide(&self) -> Result<Vec<RemoteObject>, StoreError> {
        let mut objects = Vec::new();
        let listed = self.wait(async {
            let mut folders = vec![self.base.clone()];
            for _ in 0..LEVELS_AT_MOST {
                if folders.len() >= REQUESTS_A_CALL {
                    break;
                }
                let level = |folder: Path| async move {
                    let ask = || self.store.list_with_delimiter(Some(&folder));
                    again::asked(&self.retry, ask).await
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
                let ask = || self.store.list(Some(&folder)).try_collect::<Vec<_>>();
                again::asked(&self.retry, ask).await
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
    /// that it was given by [`Self::put_labelled`]; `None` for one that is not
    /// there.
    pub(crate) fn labels(&self, keys: &[&str]) -> Result<Vec<Option<Label>>, StoreError> {
        let ask = |key| async move {
            let path = self.path(key)?;
            let options = GetOptions {
                head: true,
                ..GetOptions::default()
            };
            let look = || self.store.get_opts(&path, options.clone());
            let got = absent(again::asked(&self.retry, look).await);
            let got = got.map_err(self.failed("look at", key))?;
            Ok(got.map(|got| Label {
                size: got.meta.size,
                sha256: got.attributes.get(&SHA256).map(|sum| sum.to_string()),
            }))
        };
        let asked: Vec<_> = keys.iter().copied().map(ask).collect();
        self.wait(stream::iter(asked).buffered(REQUESTS_A_CALL).try_collect())
    }

    /// Stores one whole object, and with it its checksum.
    pub(crate) fn put_labelled(
        &self,
        key: &str,
        bytes: &[u8],
        sha256: &str,
    ) -> Result<(), StoreError> {
        let mut attributes = attributes(key);
        attributes.insert(SHA256, sha256.to_owned().into());
        self.put_described(key, attributes, &mut |object| object.write_all(bytes))
    }

    /// Stores one whole object.
    pub(crate) fn put(&self, key: &str, bytes: Bytes) -> Result<(), StoreError> {
        self.put_streamed(key, &mut |object| object.write_all(&bytes))
    }

    /// Stores an object where there is none. False: there was one; it is this
    /// one, should an answer have been lost.
    pub(crate) fn put_new(&self, key: &str, bytes: Bytes) -> Result<bool, StoreError> {
        let path = self.path(key)?;
        let options = PutOptions {
            mode: PutMode::Create,
            attributes: attributes(key),
            ..PutOptions::default()
        };
        let put = || {
            let payload = bytes.clone().into();
            self.store.put_opts(&path, payload, options.clone())
        };
        match self.ask(put) {
            Ok(_) => Ok(true),
            Err(Error::AlreadyExists { .. } | Error::Precondition { .. }) => Ok(false),
            Err(error) => Err(self.failed("write", key)(error)),
        }
    }

    /// Stores one whole object that `write` produces piece by piece. Nothing is
    /// visible before the last piece has arrived.
    pub(crate) fn put_streamed(
        &self,
        key: &str,
        write: &mut WriteObject<'_>,
    ) -> Result<(), StoreError> {
        self.put_described(key, attributes(key), write)
    }

    fn put_described(
        &self,
        key: &str,
        attributes: Attributes,
        write: &mut WriteObject<'_>,
    ) -> Result<(), StoreError> {
        let path = self.path(key)?;
        let failed = |source: io::Error| StoreError {
            action: "write",
            object: self.name(key),
            source: Box::new(source),
        };
        let mut upload = Upload::new(self, path, attributes);
        match write(&mut upload) {
            Ok(()) => upload.finish().map_err(failed),
            Err(error) => {
                upload.abort();
                Err(failed(error))
            }
        }
    }

    /// Removes one object; it need not be there.
    pub(crate) fn remove(&self, key: &str) -> Result<(), StoreError> {
        let path = self.path(key)?;
        let removed = self.ask(|| self.store.delete(&path));
        absent(removed).map_err(self.failed("remove", key))?;
        Ok(())
    }

    /// Removes objects, many a request where the store can; they need not be
    /// there.
    pub(crate) fn remove_all(&self, keys: &[String]) -> Result<(), StoreError> {
        let paths: Vec<Path> = keys
            .iter()
            .map(|key| self.path(key))
            .collect::<Result<_, _>>()?;
        let removed = self.ask(|| {
            let paths = stream::iter(paths.clone().into_iter().map(Ok)).boxed();
            let removed = self.store.delete_stream(paths);
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
    pub(crate) fn entries(&self) -> Result<Vec<String>, StoreError> {
        let listed = self.ask(|| self.store.list_with_delimiter(Some(&self.base)));
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
        self.runtime.block_on(answer)
    }

    /// Waits for an answer, and asks again for one that breaks off.
    fn ask<T, A>(&self, ask: impl FnMut() -> A) -> object_store::Result<T>
    where
        A: Future<Output = object_store::Result<T>>,
    {
        self.wait(again::asked(&self.retry, ask))
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
        move |error| StoreError {
            action,
            object: self.name(key),
            source: Box::new(Refusal::from(error)),
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

/// The threads that wait for answers, as long as the program runs.
fn runtime() -> io::Result<&'static Runtime> {
    static RUNTIME: OnceLock<io::Result<Runtime>> = OnceLock::new();
    let runtime = RUNTIME.get_or_init(|| {
        tokio::runtime::Builder::new_multi_thread()
            .worker_threads(THREADS)
            .thread_name("remote")
            .enable_all()
            .build()
    });
    let failed = |error: &io::Error| io::Error::new(error.kind(), error.to_string());
    runtime.as_ref().map_err(failed)
}
