//! What is in a finished dataset, read from its root metadata.

#[cfg(test)]
mod tests;

use serde::Serialize;
use serde_json::Value;

use crate::fingerprint::Fingerprint;
use crate::hierarchy::{DatasetAttributes, ROOT_METADATA};
use crate::store::{Store, StoreError};
use crate::tables::{CHANNEL_STATS, EMBEDDINGS, PLANES, SITES};
use crate::target::TargetError;

const TABLES: [&str; 4] = [SITES, PLANES, CHANNEL_STATS, EMBEDDINGS];

/// A dataset could not be described.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InfoError {
    /// There is no root metadata.
    #[error(
        "{dataset} is not a complete dataset: it has no {ROOT_METADATA}, which is written last \
         (an unfinished conversion, or not a dataset of rxrx2zarr)"
    )]
    NotSealed {
        /// The dataset, as given.
        dataset: String,
    },
    /// The root metadata is not what this program writes.
    #[error("{dataset}: {ROOT_METADATA} is not metadata of rxrx2zarr: {reason}")]
    Foreign {
        /// The dataset, as given.
        dataset: String,
        /// What is wrong.
        reason: String,
    },
    /// The dataset could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What lies beside the dataset cannot be read.
    #[error(transparent)]
    Target(#[from] TargetError),
}

/// What is in a dataset.
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
    /// Shape of a chunk, the least that a reader decodes.
    pub chunk_shape: Vec<u64>,
    /// Shape of a shard, one stored object.
    pub shard_shape: Vec<u64>,
    /// Names of the label arrays.
    pub labels: Vec<String>,
    /// Keys of the Parquet tables that are there.
    pub tables: Vec<String>,
    /// Stored objects.
    pub objects: usize,
    /// Their sizes together, in bytes.
    pub bytes: u64,
    /// Size of the shards together, in bytes.
    pub image_bytes: u64,
    /// Size of the pixels as they are decoded, in bytes.
    pub raw_bytes: u64,
}

impl DatasetInfo {
    /// Reads what is in the dataset that `store` holds; `dataset` is its name
    /// in errors.
    ///
    /// # Errors
    /// [`InfoError`] when it is not sealed, not ours or not readable.
    pub fn read(store: &dyn Store, dataset: &str) -> Result<Self, InfoError> {
        let foreign = |reason: String| InfoError::Foreign {
            dataset: dataset.to_owned(),
            reason,
        };
        let root = store
            .get(ROOT_METADATA)?
            .ok_or_else(|| InfoError::NotSealed {
                dataset: dataset.to_owned(),
            })?;
        let root: Value =
            serde_json::from_slice(&root).map_err(|error| foreign(error.to_string()))?;
        let attributes: DatasetAttributes = field(&root, "/attributes")
            .ok_or_else(|| foreign("its attributes are of another kind".to_owned()))?;
        let array = |pointer: &str| format!("/consolidated_metadata/metadata/images{pointer}");
        let inner = array("/codecs/0/configuration/chunk_shape");
        let outer = array("/chunk_grid/configuration/chunk_shape");
        let missing = |pointer: &str| foreign(format!("it has no {pointer}"));
        let shape: Vec<u64> = field(&root, &array("/shape")).ok_or_else(|| missing("shape"))?;
        let data_type: String =
            field(&root, &array("/data_type")).ok_or_else(|| missing("data_type"))?;
        let arrays = root
            .pointer("/consolidated_metadata/metadata")
            .and_then(Value::as_object);
        let labels = arrays
            .into_iter()
            .flat_map(|arrays| arrays.keys())
            .filter(|name| *name != "images");
        let sample_bytes = if data_type == "uint16" { 2 } else { 1 };

        let objects = store.list()?;
        let shards = objects
            .iter()
            .filter(|object| object.key.starts_with("images.zarr/images/c/"));
        Ok(Self {
            attributes,
            raw_bytes: shape
                .iter()
                .copied()
                .fold(sample_bytes, u64::saturating_mul),
            shape,
            dimensions: field(&root, &array("/dimension_names")).unwrap_or_default(),
            data_type,
            chunk_shape: field(&root, &inner).ok_or_else(|| missing("chunk shape"))?,
            shard_shape: field(&root, &outer).ok_or_else(|| missing("shard shape"))?,
            labels: labels.cloned().collect(),
            tables: objects
                .iter()
                .filter(|object| TABLES.contains(&object.key.as_str()))
                .map(|object| object.key.clone())
                .collect(),
            objects: objects.len(),
            bytes: objects.iter().map(|object| object.size).sum(),
            image_bytes: shards.map(|object| object.size).sum(),
        })
    }

    /// What was converted, and how.
    pub(crate) fn fingerprint(&self) -> Fingerprint {
        let attributes = &self.attributes;
        Fingerprint {
            format: attributes.format,
            settings: attributes.settings.clone(),
            shape: self.shape.clone(),
            data_type: self.data_type.clone(),
            channels: attributes.channels.iter().map(|c| c.name.clone()).collect(),
            metadata_sha256: attributes.metadata_sha256.clone(),
            embeddings: attributes.embeddings.clone(),
        }
    }

    /// Whether `store` holds a sealed dataset that this program wrote.
    pub(crate) fn is_ours(store: &dyn Store) -> bool {
        let root = store.get(ROOT_METADATA).ok().flatten();
        let root: Option<Value> = root.and_then(|root| serde_json::from_slice(&root).ok());
        root.and_then(|root| field::<String>(&root, "/attributes/generator"))
            .is_some_and(|generator| generator.starts_with("rxrx2zarr "))
    }
}

fn field<T: serde::de::DeserializeOwned>(document: &Value, pointer: &str) -> Option<T> {
    let value = document.pointer(pointer)?.clone();
    serde_json::from_value(value).ok()
}
