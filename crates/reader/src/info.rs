//! A summary of a sealed dataset.

use rxrx_format::{DatasetAttributes, Root, data_type_name, keys};
use rxrx_storage::{Store, StoredObject};
use serde::Serialize;

use crate::dataset::Dataset;
use crate::error::DatasetError;
use crate::root::read_root;

impl Dataset {
    /// Summarises the dataset; lists its objects.
    ///
    /// # Errors
    /// [`DatasetError`] when the store cannot be listed.
    pub fn info(&self) -> Result<DatasetInfo, DatasetError> {
        Ok(DatasetInfo::new(&self.root, &self.store.list()?))
    }
}

/// A summary of a dataset.
#[derive(Clone, Debug, Serialize)]
pub struct DatasetInfo {
    /// Name, licence, channels, version, settings, counts.
    #[serde(flatten)]
    pub attributes: DatasetAttributes,
    /// Length of each axis of the image array.
    pub shape: Vec<u64>,
    /// The axes, outermost first.
    pub dimensions: Vec<String>,
    /// Zarr data type of a pixel.
    pub data_type: String,
    /// Shape of a chunk, which a reader decodes at once.
    pub chunk_shape: Vec<u64>,
    /// Shape of a shard, one stored object.
    pub shard_shape: Vec<u64>,
    /// Names of the label arrays.
    pub labels: Vec<String>,
    /// Keys of the Parquet tables that exist.
    pub tables: Vec<String>,
    /// Number of objects.
    pub objects: usize,
    /// Sum of the sizes of all objects, in bytes.
    pub bytes: u64,
    /// Sum of the sizes of all shards, in bytes.
    pub image_bytes: u64,
    /// Size of all pixels, decoded, in bytes.
    pub raw_bytes: u64,
}

impl DatasetInfo {
    /// Summarises the dataset that `store` holds; `dataset` is its name in errors.
    /// [`Dataset::info`] does so for a dataset that is open.
    ///
    /// # Errors
    /// [`DatasetError`]: there is no sealed dataset of this program, or the store
    /// failed.
    pub fn read(store: &dyn Store, dataset: &str) -> Result<Self, DatasetError> {
        let root = read_root(store, dataset)?;
        Ok(Self::new(&root, &store.list()?))
    }

    /// Summarises a dataset that has this root metadata and these objects.
    pub fn new(root: &Root, objects: &[StoredObject]) -> Self {
        let geometry = &root.geometry;
        let lengths = |shape: [usize; 4]| shape.map(|length| length as u64).to_vec();
        let is_there = |key: &str| objects.iter().any(|object| object.key == key);
        let tables = keys::tables().map(|table| table.key);
        let shards = objects
            .iter()
            .filter(|object| object.key.starts_with(keys::SHARDS));
        Self {
            attributes: root.attributes.clone(),
            shape: lengths(geometry.shape()),
            dimensions: root.dimensions(),
            data_type: data_type_name(geometry.data_type).to_owned(),
            chunk_shape: lengths(geometry.chunk_shape()),
            shard_shape: lengths(geometry.shard_shape()),
            labels: root.labels().map(str::to_owned).collect(),
            tables: tables
                .filter(|key| is_there(key))
                .map(str::to_owned)
                .collect(),
            objects: objects.len(),
            bytes: objects.iter().map(|object| object.size).sum(),
            image_bytes: shards.map(|object| object.size).sum(),
            raw_bytes: geometry.raw_bytes(),
        }
    }
}
