//! An open dataset: its root metadata, and the parts that are kept once they are
//! read.

use std::collections::HashMap;
use std::fmt;
use std::ops::Range;
use std::sync::{Arc, Mutex, OnceLock};

use rxrx_format::keys::bytes_at_most;
use rxrx_format::{ArrayGeometry, ChunkDecoder, DatasetAttributes, Root, SitesTable};
use rxrx_storage::{Location, Store, open_store};

use crate::error::DatasetError;
use crate::root::read_root;

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
pub struct Dataset {
    pub(crate) store: Box<dyn Store>,
    pub(crate) name: String,
    pub(crate) root: Root,
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
        let root = read_root(store.as_ref(), name)?;
        Ok(Self {
            store,
            name: name.to_owned(),
            root,
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
        let bytes = self.store.get_at_most(key, bytes_at_most(key))?;
        bytes.ok_or_else(|| self.missing(key))
    }

    /// Reads a part of an object that every complete dataset has.
    pub(crate) fn part(&self, key: &str, range: Range<u64>) -> Result<Vec<u8>, DatasetError> {
        let bytes = self.store.get_range(key, range)?;
        bytes.ok_or_else(|| self.missing(key))
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
