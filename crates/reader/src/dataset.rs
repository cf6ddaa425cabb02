//! An open dataset: its root metadata, and the parts that are kept once they are
//! read.

use std::collections::HashMap;
use std::fmt;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use rxrx_format::keys::{ROOT_METADATA, bytes_at_most};
use rxrx_format::{ArrayGeometry, ChunkDecoder, DatasetAttributes, Root, SitesTable};
use rxrx_storage::{Location, Store, StoreErrorKind, Version, open_store};

use crate::error::DatasetError;
use crate::root::parse_root;

/// The byte range of each chunk of a shard, row-major over its chunk grid; `None`
/// for one that was never written.
pub(crate) type ShardRanges = Vec<Option<Range<u64>>>;

/// A sealed dataset, opened for reading.
///
/// Threads may share one `Dataset`: every method takes `&self`. Each value that
/// is kept (the table of sites, the order of their names, the index of each shard
/// that was needed) is read when it is first used. Two threads that need the same
/// value first may both read it; both get the same one. No lock is held while
/// bytes are read.
///
/// A dataset that is replaced while it is open gives the pixels of the one that was opened,
/// or [`DatasetError::Replaced`]; it is never a mixture. For that, the root metadata are
/// looked at after the first read of each object (one more request in an object store).
/// A server that gives no ETags cannot be checked.
pub struct Dataset {
    pub(crate) store: Box<dyn Store>,
    pub(crate) name: String,
    pub(crate) root: Root,
    /// The version of the root metadata that were read.
    root_version: Version,
    /// The versions of the other objects that were read, by key.
    versions: Mutex<HashMap<String, Version>>,
    pub(crate) decoder: OnceLock<ChunkDecoder>,
    pub(crate) sites: OnceLock<SitesTable>,
    /// Sites in the order of their names.
    pub(crate) sites_by_name: OnceLock<Vec<usize>>,
    /// Indices of shards by the number of the shard.
    pub(crate) indices: Mutex<HashMap<usize, Arc<ShardRanges>>>,
}

impl Dataset {
    /// Opens the dataset at a path or an address with one request: the root
    /// metadata.
    ///
    /// # Errors
    /// [`DatasetError`]: there is no sealed dataset, it has a format that this
    /// version does not read, or the store cannot be reached.
    pub fn open(location: &Location) -> Result<Self, DatasetError> {
        Self::from_store(open_store(location)?, &location.to_string())
    }

    /// Opens the dataset whose objects `store` holds. Errors call it `name`.
    ///
    /// # Errors
    /// The errors of [`Self::open`].
    pub fn from_store(store: Box<dyn Store>, name: &str) -> Result<Self, DatasetError> {
        let root = store.get_version(ROOT_METADATA, bytes_at_most(ROOT_METADATA))?;
        let (root, root_version) = root.ok_or_else(|| DatasetError::NotSealed {
            dataset: name.to_owned(),
        })?;
        Ok(Self {
            root: parse_root(&root, name)?,
            root_version,
            versions: Mutex::default(),
            store,
            name: name.to_owned(),
            decoder: OnceLock::new(),
            sites: OnceLock::new(),
            sites_by_name: OnceLock::new(),
            indices: Mutex::default(),
        })
    }

    /// The name of the dataset in errors: the location as it was given.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The store that holds the objects.
    pub fn store(&self) -> &dyn Store {
        self.store.as_ref()
    }

    /// The root metadata.
    pub fn root(&self) -> &Root {
        &self.root
    }

    /// Name, licence, channels, settings and counts of the dataset.
    pub fn attributes(&self) -> &DatasetAttributes {
        &self.root.attributes
    }

    /// The format of the dataset; see `docs/format.md`.
    pub fn format_version(&self) -> u32 {
        self.root.attributes.format_version
    }

    /// Shapes of the image array, its chunks and its shards.
    pub fn geometry(&self) -> &ArrayGeometry {
        &self.root.geometry
    }

    /// Shape of the image array. Axes: (site, channel, y, x).
    pub fn shape(&self) -> [usize; 4] {
        self.root.geometry.shape()
    }

    /// Names of the channels, in the order of the channel axis.
    pub fn channels(&self) -> &[String] {
        &self.root.channels
    }

    /// Reads a whole object that every complete dataset has.
    pub(crate) fn object(&self, key: &str) -> Result<Vec<u8>, DatasetError> {
        self.object_at_most(key, bytes_at_most(key))
    }

    /// Reads a whole object that every complete dataset has, and that has so many bytes at most.
    pub(crate) fn object_at_most(&self, key: &str, bytes: u64) -> Result<Vec<u8>, DatasetError> {
        let found = self.store.get_version(key, bytes)?;
        let (bytes, version) = found.ok_or_else(|| self.missing(key))?;
        self.demand_same(key, version)?;
        Ok(bytes)
    }

    /// Reads a part of an object that every complete dataset has.
    pub(crate) fn part(&self, key: &str, range: Range<u64>) -> Result<Vec<u8>, DatasetError> {
        let seen = self.versions().get(key).cloned();
        let (bytes, version) = match self.store.get_range_of(key, range, seen.as_ref()) {
            Err(error) if error.kind == StoreErrorKind::Changed => return Err(self.replaced(key)),
            found => found?.ok_or_else(|| self.missing(key))?,
        };
        if seen.is_none() {
            self.demand_same(key, version)?;
        }
        Ok(bytes)
    }

    /// Demands that an object which was read is one of the dataset that was opened, and
    /// notes its version.
    ///
    /// Whoever replaces a dataset replaces its root before any other object. So an object
    /// that was read before the root is found unchanged is one of the same dataset.
    fn demand_same(&self, key: &str, version: Version) -> Result<(), DatasetError> {
        let seen = self.versions().get(key).cloned();
        let is_other = match seen {
            Some(seen) => !version.may_be(&seen),
            None => {
                let root = self.store.version(ROOT_METADATA)?;
                root.is_none_or(|root| !root.may_be(&self.root_version))
            }
        };
        if is_other {
            return Err(self.replaced(key));
        }
        self.versions().insert(key.to_owned(), version);
        Ok(())
    }

    fn versions(&self) -> MutexGuard<'_, HashMap<String, Version>> {
        self.versions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn replaced(&self, key: &str) -> DatasetError {
        DatasetError::Replaced {
            dataset: self.name.clone(),
            object: key.to_owned(),
        }
    }

    fn missing(&self, key: &str) -> DatasetError {
        DatasetError::Missing {
            dataset: self.name.clone(),
            object: key.to_owned(),
        }
    }
}

impl fmt::Debug for Dataset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dataset")
            .field("name", &self.name)
            .field("shape", &self.shape())
            .finish_non_exhaustive()
    }
}
