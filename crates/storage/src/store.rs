//! Where the objects of a dataset go.
//!
//! A [`Store`] holds whole objects under `/`-separated keys relative to the
//! dataset's root. Everything the writer asks of a store can be had from a
//! local disk and from an object store alike: put one whole object, read one,
//! remove one, list them. There is no partial write and no append, because two writers of
//! one object would lose data.

use std::error::Error;
use std::io::{self, Write};

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
    /// under `key` that was not there before.
    fn put(&self, key: &str, parts: &[&[u8]]) -> Result<(), StoreError>;

    /// Stores one whole object that `write` produces piece by piece, as atomic
    /// and as durable as [`Store::put`], and returns what `write` decided.
    ///
    /// # Errors
    /// As [`Store::put`]; also whatever `write` returns, as the source.
    fn put_streamed(&self, key: &str, write: WriteObject<'_>) -> Result<WriteOutcome, StoreError> {
        let mut bytes = Vec::new();
        let outcome = write(&mut bytes);
        let outcome = outcome.map_err(|error| StoreError::from_io("write", key, error))?;
        if outcome == WriteOutcome::Store {
            self.put(key, &[&bytes])?;
        }
        Ok(outcome)
    }

    /// Stores one whole object, as [`Store::put`] does, and beside it its SHA-256
    /// in hexadecimal digits, where the store keeps metadata of objects.
    ///
    /// # Errors
    /// As [`Store::put`].
    fn put_with_checksum(&self, key: &str, bytes: &[u8], sha256: &str) -> Result<(), StoreError> {
        let _ = sha256;
        self.put(key, &[bytes])
    }

    /// Objects that it is best given at once. Each may take as much memory as the
    /// store holds of an object that it is given.
    fn writers(&self) -> usize {
        1
    }

    /// Reads one whole object; `None` where there is none.
    ///
    /// # Errors
    /// [`StoreError`] when the object is there but cannot be read.
    fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError>;

    /// Removes one object, durably; it need not be there.
    ///
    /// # Errors
    /// [`StoreError`] when the object may be there still.
    fn remove(&self, key: &str) -> Result<(), StoreError>;

    /// Removes objects, durably; they need not be there.
    ///
    /// # Errors
    /// [`StoreError`] when one of them may be there still.
    fn remove_all(&self, keys: &[String]) -> Result<(), StoreError> {
        keys.iter().try_for_each(|key| self.remove(key))
    }

    /// Every object with its size in bytes, ordered by key.
    ///
    /// # Errors
    /// [`StoreError`] when a part of the store cannot be listed.
    fn list(&self) -> Result<Vec<StoredObject>, StoreError>;
}

/// One entry of [`Store::list`].
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
    /// What was being done, as a verb: `write`, `flush`, `list`.
    pub action: &'static str,
    /// The object or folder, as a user would find it (a path or a URL).
    pub object: String,
    /// The kind of failure.
    pub kind: StoreErrorKind,
    /// What the store said.
    #[source]
    pub source: Box<dyn Error + Send + Sync>,
}

/// The kind of a [`StoreError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreErrorKind {
    /// There is no such object, folder or bucket.
    NotFound,
    /// Credentials or permissions are missing.
    Denied,
    /// Somebody else replaced or removed the object meanwhile.
    Changed,
    /// There is no connection to the store.
    Unreachable,
    /// The store has no such operation.
    Unsupported,
    /// Anything else.
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

    /// Makes an error of `action` on `object` from what the file system said.
    pub fn from_io(action: &'static str, object: impl Into<String>, source: io::Error) -> Self {
        let kind = match source.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => StoreErrorKind::NotFound,
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                StoreErrorKind::Denied
            }
            _ => StoreErrorKind::Other,
        };
        Self::new(action, object, kind, source)
    }
}
