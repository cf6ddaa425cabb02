//! Where the objects of a dataset go.
//!
//! A [`Store`] holds whole objects under `/`-separated keys relative to the
//! dataset's root. Everything the writer asks of a store can be had from a
//! local disk and from an object store alike: put one whole object, read one,
//! remove one, list them. There is no partial write and no append, because two writers of
//! one object would lose data.

#[cfg(test)]
pub(crate) mod conformance;
mod local;
mod remote;

use std::error::Error;
use std::io::{self, Write};

pub use local::LocalStore;
pub(crate) use local::is_temporary;
pub(crate) use remote::{Fence, RemoteStore};

use crate::location::Location;
use crate::remote::Remote;

/// The store of a finished dataset, to be read.
///
/// # Errors
/// [`StoreError`] when the store of an address cannot be reached at all.
pub fn open_dataset(location: &Location) -> Result<Box<dyn Store>, StoreError> {
    Ok(match location {
        Location::Local(path) => Box::new(LocalStore::read_only(path)),
        Location::Remote(address) => Box::new(RemoteStore::new(Remote::folder(address)?, None)),
    })
}

/// Writes the bytes of an object, one piece after the other.
pub type WriteObject<'a> = dyn FnMut(&mut dyn Write) -> io::Result<()> + 'a;

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
    /// and as durable as [`Store::put`].
    ///
    /// # Errors
    /// As [`Store::put`]; also whatever `write` returns, as the source.
    fn put_streamed(&self, key: &str, write: &mut WriteObject<'_>) -> Result<(), StoreError> {
        let mut bytes = Vec::new();
        write(&mut bytes).map_err(|error| StoreError {
            action: "write",
            object: key.to_owned(),
            source: Box::new(error),
        })?;
        self.put(key, &[&bytes])
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
    /// What the store said.
    #[source]
    pub source: Box<dyn Error + Send + Sync>,
}
