//! A summary of a sealed dataset.

use rxrx_format::{DatasetAttributes, Root, data_type_name, keys, overview_geometry};
use rxrx_storage::StoredObject;
use serde::Serialize;

use crate::dataset::Dataset;
use crate::error::DatasetError;
use crate::objects::{AskedShards, Checked};
use crate::whole::Gaps;

impl Dataset {
    /// Summarises the dataset, and compares the objects that are there with
    /// `SHA256SUMS` and the table of sites.
    ///
    /// Where the store gives no list, as over plain HTTP, `shards` says which shards are
    /// asked for one by one. The others count as they are recorded.
    ///
    /// # Errors
    /// [`DatasetError`]: the store fails, or one of the two objects is damaged.
    pub fn info(&self, shards: AskedShards) -> Result<DatasetInfo, DatasetError> {
        let expected = self.expected_keys()?;
        let (objects, checked) = self.objects(&expected, shards)?;
        let gaps = self.gaps(&objects, &expected)?;
        Ok(DatasetInfo::new(&self.root, &objects, checked, gaps))
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
    /// Shape of the array of overviews; absent where there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub overview_shape: Option<Vec<u64>>,
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
    /// Sum of the sizes of all objects of overviews, in bytes.
    pub overview_bytes: u64,
    /// Size of all pixels, decoded, in bytes.
    pub raw_bytes: u64,
    /// The objects that were looked for.
    pub checked: Checked,
    /// What the dataset lacks.
    #[serde(flatten)]
    pub gaps: Gaps,
}

impl DatasetInfo {
    fn new(root: &Root, objects: &[StoredObject], checked: Checked, gaps: Gaps) -> Self {
        let geometry = &root.geometry;
        let lengths = |shape: [usize; 4]| shape.map(|length| length as u64).to_vec();
        let is_there = |key: &str| objects.iter().any(|object| object.key == key);
        let tables = keys::tables().map(|table| table.key);
        let bytes_below = |prefix| {
            let objects = objects.iter();
            let objects = objects.filter(|object| object.key.starts_with(prefix));
            objects.map(|object| object.size).sum()
        };
        let overview = root.has_overview().then(|| overview_geometry(geometry));
        Self {
            attributes: root.attributes.clone(),
            shape: lengths(geometry.shape()),
            dimensions: root.dimensions(),
            data_type: data_type_name(geometry.data_type).to_owned(),
            chunk_shape: lengths(geometry.chunk_shape()),
            shard_shape: lengths(geometry.shard_shape()),
            overview_shape: overview.map(|overview| lengths(overview.shape())),
            labels: root.labels().map(str::to_owned).collect(),
            tables: tables
                .filter(|key| is_there(key))
                .map(str::to_owned)
                .collect(),
            objects: objects.len(),
            bytes: objects.iter().map(|object| object.size).sum(),
            image_bytes: bytes_below(keys::SHARDS),
            overview_bytes: bytes_below(keys::OVERVIEWS),
            raw_bytes: geometry.raw_bytes(),
            checked,
            gaps,
        }
    }
}
