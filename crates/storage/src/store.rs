//! The store of a dataset's objects.
//!
//! A [`Store`] holds whole objects under `/`-separated keys relative to the
//! dataset's root. It has only operations that a local disk and an object store
//! both have: put one whole object, read one, remove one, list them. It has no
//! partial write and no append, because two writers of one object would lose data.

use std::collections::{BTreeMap, HashMap};
use std::error::Error;
use std::io::{self, Write};
use std::ops::Range;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use twox_hash::XxHash3_128;

use crate::version::Version;
use rxrx_platform::is_out_of_files;

/// Writes the bytes of an object, one piece after the other, and decides whether it is
/// stored. A store calls it at most once: exactly once, unless the put fails before.
pub type WriteObject<'a> = Box<dyn FnOnce(&mut dyn Write) -> io::Result<WriteOutcome> + 'a>;

/// Decision of a [`WriteObject`] about what it wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteOutcome {
    /// Store the object.
    Store,
    /// Store nothing: the former object, if there is one, stays as it is.
    Discard,
}

/// The result of [`Store::put_streamed`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Streamed {
    /// The object is stored. The version is the one that this put made, whoever puts the
    /// same key at the same time; `None` where the store does not tell it.
    Stored(Option<Version>),
    /// Nothing is stored, as the [`WriteObject`] decided.
    Discarded,
}

/// A place that holds whole objects under keys.
pub trait Store: Send + Sync {
    /// Stores one whole object: the concatenation of `parts`.
    ///
    /// *Atomic*: a reader finds the former object (or none) or the new one,
    /// never a part of it. *Durable*: when this returns `Ok`, the object
    /// survives a crash of the machine. Putting the same key again replaces it.
    ///
    /// # Errors
    /// [`StoreError`] names the object and what failed; nothing is visible
    /// under `key` that was not there before. The one exception: with the action
    /// `flush`, the new object may be there, and may be lost in a crash of the machine;
    /// see [`Store::flush_name`].
    fn put(&self, key: &str, parts: &[&[u8]]) -> Result<(), StoreError>;

    /// Stores one whole object that `write` produces piece by piece, as atomic
    /// and as durable as [`Store::put`], unless `write` decides to discard it.
    ///
    /// # Errors
    /// The errors of [`Store::put`], and the error of `write` as the source.
    fn put_streamed(&self, key: &str, write: WriteObject<'_>) -> Result<Streamed, StoreError> {
        let mut bytes = Vec::new();
        let outcome = write(&mut bytes);
        let outcome = outcome.map_err(|error| StoreError::from_io("write", key, error))?;
        Ok(match outcome {
            WriteOutcome::Discard => Streamed::Discarded,
            WriteOutcome::Store => {
                self.put(key, &[&bytes])?;
                Streamed::Stored(None)
            }
        })
    }

    /// Stores one whole object, as [`Store::put`] does, and beside it its SHA-256
    /// in hexadecimal digits, where the store keeps metadata of objects.
    ///
    /// # Errors
    /// The errors of [`Store::put`].
    fn put_with_checksum(&self, key: &str, bytes: &[u8], sha256: &str) -> Result<(), StoreError> {
        let _ = sha256;
        self.put(key, &[bytes])
    }

    /// Returns the number of objects to put at the same time for the best speed.
    /// Each of them may need the memory that the store needs for one object.
    fn writers(&self) -> usize {
        1
    }

    /// Returns the bytes of memory that the store needs for each object that is being
    /// put by [`Store::put_streamed`].
    fn writer_bytes(&self) -> usize {
        1 << 20
    }

    /// Reads one whole object; `None` if it is absent.
    ///
    /// # Errors
    /// [`StoreError`] when the object exists but cannot be read.
    fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError>;

    /// Reads one whole object of at most `at_most` bytes; `None` if it is absent. No
    /// memory is taken for a larger one.
    ///
    /// # Errors
    /// [`StoreError`] when the object exists but cannot be read, or is larger.
    fn get_at_most(&self, key: &str, at_most: u64) -> Result<Option<Vec<u8>>, StoreError> {
        match self.get(key)? {
            Some(bytes) if bytes.len() as u64 > at_most => {
                Err(StoreError::too_large(key, bytes.len() as u64, at_most))
            }
            found => Ok(found),
        }
    }

    /// Reads the bytes in `range` of one object; `None` where there is no object.
    ///
    /// The result has exactly the length of `range`. No range counts from the
    /// end of an object: not every store has such ranges.
    ///
    /// # Errors
    /// [`StoreError`] when the object exists but cannot be read, or `range` ends
    /// beyond it.
    fn get_range(&self, key: &str, range: Range<u64>) -> Result<Option<Vec<u8>>, StoreError> {
        let Some(bytes) = self.get(key)? else {
            return Ok(None);
        };
        let ends = usize::try_from(range.start)
            .ok()
            .zip(usize::try_from(range.end).ok());
        match ends.and_then(|(start, end)| bytes.get(start..end)) {
            Some(part) => Ok(Some(part.to_vec())),
            None => Err(StoreError::beyond_end(key, &range, bytes.len() as u64)),
        }
    }

    /// Removes one object, durably; it may be absent.
    ///
    /// # Errors
    /// [`StoreError`] when the object may still exist.
    fn remove(&self, key: &str) -> Result<(), StoreError>;

    /// Makes durable what a process that was killed has done to `key`: it may have put
    /// or removed the object, and not have flushed that. The default does nothing, for
    /// a store in which nothing is visible before it is durable.
    ///
    /// # Errors
    /// [`StoreError`] when the flush failed.
    fn flush_name(&self, key: &str) -> Result<(), StoreError> {
        let _ = key;
        Ok(())
    }

    /// Removes objects, durably; they may be absent.
    ///
    /// # Errors
    /// [`StoreError`] when one of them may still exist.
    fn remove_all(&self, keys: &[String]) -> Result<(), StoreError> {
        keys.iter().try_for_each(|key| self.remove(key))
    }

    /// Returns the version of one object; `None` if it is absent.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot tell.
    fn version(&self, key: &str) -> Result<Option<Version>, StoreError> {
        let bytes = self.get(key)?;
        Ok(bytes.map(|bytes| Version::of_tag(format!("{:032x}", XxHash3_128::oneshot(&bytes)))))
    }

    /// Returns the size in bytes and the version of one object; `None` if it is absent.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot tell.
    fn size_and_version(&self, key: &str) -> Result<Option<(u64, Version)>, StoreError> {
        let size = self.sizes(&[key])?.into_iter().next().flatten();
        Ok(size.zip(self.version(key)?))
    }

    /// Reads one whole object of at most `at_most` bytes and its version; `None` if it is
    /// absent.
    ///
    /// # Errors
    /// The errors of [`Store::get_at_most`]. Its kind is [`StoreErrorKind::Changed`] when
    /// the object is replaced again and again meanwhile.
    fn get_version(
        &self,
        key: &str,
        at_most: u64,
    ) -> Result<Option<(Vec<u8>, Version)>, StoreError> {
        for _ in 0..READS {
            let Some(version) = self.version(key)? else {
                return Ok(None);
            };
            let bytes = self.get_at_most(key, at_most)?;
            if self.version(key)?.as_ref() == Some(&version) {
                return Ok(bytes.map(|bytes| (bytes, version)));
            }
        }
        let text = "another process replaces it again and again";
        Err(StoreError::new("read", key, StoreErrorKind::Changed, text))
    }

    /// Reads the bytes in `range` of one object, as [`Store::get_range`] does, and returns
    /// the version of which they are; `None` where there is no object.
    ///
    /// # Errors
    /// The errors of [`Store::get_range`]. The kind is [`StoreErrorKind::Changed`] when the
    /// object is not the version `seen`.
    fn get_range_of(
        &self,
        key: &str,
        range: Range<u64>,
        seen: Option<&Version>,
    ) -> Result<Option<(Vec<u8>, Version)>, StoreError> {
        let Some(version) = self.version(key)? else {
            return Ok(None);
        };
        if seen.is_some_and(|seen| *seen != version) {
            return Err(StoreError::replaced(key));
        }
        let bytes = self.get_range(key, range)?;
        Ok(bytes.map(|bytes| (bytes, version)))
    }

    /// Reads the bytes in `range` of one object, as [`Store::get_range_of`] does, into
    /// `bytes`: their former content is lost, and their memory is used again where the
    /// store can do that. After an error their content is unspecified.
    ///
    /// # Errors
    /// The errors of [`Store::get_range_of`].
    fn get_range_into(
        &self,
        key: &str,
        range: Range<u64>,
        seen: Option<&Version>,
        bytes: &mut Vec<u8>,
    ) -> Result<Option<Version>, StoreError> {
        let found = self.get_range_of(key, range, seen)?;
        Ok(found.map(|(read, version)| {
            *bytes = read;
            version
        }))
    }

    /// Returns the number of ranges to read at the same time for the best speed. 1 is for a
    /// store whose reads wait for nothing but this machine: as many threads read it as have
    /// a use for the bytes.
    fn readers(&self) -> usize {
        1
    }

    /// Stores one whole object, as [`Store::put`] does, if the version `there` is under
    /// its key; `None` stands for no object. Returns the version that was stored, or
    /// `None` if another one is there.
    ///
    /// An object store decides that itself, so that a request that arrives late changes
    /// nothing. It may also return `None` if the object was stored, the answer was lost
    /// and the request was repeated: read the object to find out. The default compares and
    /// stores in two steps, for a store that only the holder of a lock writes.
    ///
    /// # Errors
    /// The errors of [`Store::put`]. The kind is [`StoreErrorKind::Unsupported`] when the
    /// store has no such condition.
    fn put_if(
        &self,
        key: &str,
        bytes: &[u8],
        there: Option<&Version>,
    ) -> Result<Option<Version>, StoreError> {
        if self.version(key)?.as_ref() != there {
            return Ok(None);
        }
        self.put(key, &[bytes])?;
        self.version(key)
    }

    /// Makes the object `from` of the work folder beside this store the object `key` of
    /// this store, atomically and durably, as [`Store::put`] does. It stays in the work
    /// folder, too, if the store can do that without a second copy of its bytes or keeps
    /// copies anyway.
    ///
    /// In an object store that is a copy which is made only if both objects are as they
    /// were seen.
    ///
    /// # Errors
    /// [`StoreError`]. The kind is [`StoreErrorKind::NotFound`] when there is no object
    /// `from`.
    fn bring(&self, from: &str, key: &str) -> Result<(), StoreError> {
        let text = format!("this store has no work folder with {from}");
        Err(StoreError::new(
            "bring",
            key,
            StoreErrorKind::Unsupported,
            text,
        ))
    }

    /// Whether a request that got no answer can be carried out later, when its sender no
    /// longer holds the lock.
    fn has_late_requests(&self) -> bool {
        false
    }

    /// Lists every object with its size in bytes, ordered by key.
    ///
    /// # Errors
    /// [`StoreError`] when a part of the store cannot be listed.
    fn list(&self) -> Result<Vec<StoredObject>, StoreError>;

    /// Returns the size in bytes of each of these objects; `None` for one that is absent,
    /// or that the store denies, as S3 does for an absent object without the right to
    /// list. A store behind plain HTTP has this operation and no list.
    ///
    /// # Errors
    /// [`StoreError`] when the store does not answer.
    fn sizes(&self, keys: &[&str]) -> Result<Vec<Option<u64>>, StoreError> {
        let objects = self.list()?.into_iter();
        let sizes: HashMap<String, u64> = objects.map(|object| (object.key, object.size)).collect();
        Ok(keys.iter().map(|&key| sizes.get(key).copied()).collect())
    }

    /// Returns the checksums that the store itself has of each of these objects; in the
    /// list `None` for an absent object. `None` for a store that has no checksums, such as
    /// a disk. No content is read.
    ///
    /// # Errors
    /// [`StoreError`] when the store does not answer or denies a request.
    fn stored_checksums(
        &self,
        keys: &[&str],
    ) -> Result<Option<Vec<Option<StoredChecksums>>>, StoreError> {
        let _ = keys;
        Ok(None)
    }
}

/// Size and checksums of an object, as its store states them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoredChecksums {
    /// The size in bytes.
    pub size: u64,
    /// The checksums by their kind, in the form in which the store gives them.
    /// `docs/format.md` lists the kinds.
    pub checksums: BTreeMap<String, String>,
}

impl StoredChecksums {
    /// Returns the SHA-256 of the whole object, if the store has it.
    pub fn sha256(&self) -> Option<[u8; 32]> {
        let stated = BASE64_STANDARD.decode(self.checksums.get("sha256")?).ok()?;
        stated.try_into().ok()
    }
}

/// How often an object that another process replaces is read.
const READS: usize = 5;

/// An object in the list of [`Store::list`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredObject {
    /// The key, relative to the dataset's root, `/`-separated.
    pub key: String,
    /// The size in bytes.
    pub size: u64,
}

/// An operation on one object failed.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} {object}")]
pub struct StoreError {
    /// The operation as a verb: `write`, `flush`, `list`.
    pub action: &'static str,
    /// The path or the URL of the object or folder.
    pub object: String,
    /// The kind of failure.
    pub kind: StoreErrorKind,
    /// The error of the store.
    #[source]
    pub source: Box<dyn Error + Send + Sync>,
}

/// The kind of a [`StoreError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreErrorKind {
    /// The object, folder or bucket does not exist.
    NotFound,
    /// Credentials or permissions are missing.
    Denied,
    /// Another process replaced or removed the object, or took the lease.
    Changed,
    /// The object is larger than it can be.
    TooLarge,
    /// There is no connection to the store.
    Unreachable,
    /// The store has no such operation.
    Unsupported,
    /// Any other failure.
    Other,
}

impl StoreError {
    /// Makes an error of `action` on `object`.
    pub fn new(
        action: &'static str,
        object: impl Into<String>,
        kind: StoreErrorKind,
        source: impl Into<Box<dyn Error + Send + Sync>>,
    ) -> Self {
        Self {
            action,
            object: object.into(),
            kind,
            source: source.into(),
        }
    }

    /// Makes the error for an object that is not as it was seen.
    pub(crate) fn replaced(object: impl Into<String>) -> Self {
        let text = "it was replaced since it was read first";
        Self::new("read", object, StoreErrorKind::Changed, text)
    }

    /// Makes the error for a `range` that ends beyond an object of `size` bytes.
    pub(crate) fn beyond_end(object: impl Into<String>, range: &Range<u64>, size: u64) -> Self {
        let Range { start, end } = range;
        let text = format!("it has {size} bytes, and bytes {start} to {end} of it are needed");
        Self::new("read", object, StoreErrorKind::Other, text)
    }

    /// Makes the error for an object of `size` bytes where it can have `at_most`.
    pub(crate) fn too_large(object: impl Into<String>, size: u64, at_most: u64) -> Self {
        let text = format!("it has {size} bytes, and it can have {at_most} at most");
        Self::new("read", object, StoreErrorKind::TooLarge, text)
    }

    /// Makes an error of `action` on `object` from an error of the file system.
    pub fn from_io(action: &'static str, object: impl Into<String>, source: io::Error) -> Self {
        let kind = StoreErrorKind::of_io(source.kind());
        Self::new(action, object, kind, explained(source))
    }
}

/// Adds to an error of the operating system what to do about it, where its text does not
/// say so.
pub(crate) fn explained(error: io::Error) -> io::Error {
    let advice = match error.kind() {
        _ if is_out_of_files(&error) => "raise the limit with ulimit -n",
        io::ErrorKind::CrossesDevices => {
            "no folder of an output may be a link or a mount point: move what is behind it to its place"
        }
        _ => return error,
    };
    io::Error::new(error.kind(), format!("{error}: {advice}"))
}

impl StoreErrorKind {
    /// Returns the kind of an error of the file system.
    pub(crate) fn of_io(kind: io::ErrorKind) -> Self {
        match kind {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Self::NotFound,
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => Self::Denied,
            _ => Self::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_the_file_system_have_kinds() {
        for (kind, expected) in [
            (io::ErrorKind::NotFound, StoreErrorKind::NotFound),
            (io::ErrorKind::NotADirectory, StoreErrorKind::NotFound),
            (io::ErrorKind::PermissionDenied, StoreErrorKind::Denied),
            (io::ErrorKind::ReadOnlyFilesystem, StoreErrorKind::Denied),
            (io::ErrorKind::StorageFull, StoreErrorKind::Other),
        ] {
            let error = StoreError::from_io("write", "a", kind.into());
            assert_eq!(error.kind, expected, "{kind}");
        }
    }
}
