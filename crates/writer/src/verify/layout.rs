//! What the root metadata promises: the frame that all else must fit.

use rxrx_metadata::{ArrayGeometry, DataType, PlanError};
use serde_json::{Map, Value};

use super::finding::{FindingKind, Findings};
use crate::hierarchy::{DatasetAttributes, GROUP};

/// Lengths of axes beyond this are not to be calculated with.
const LENGTH_AT_MOST: usize = 1 << 40;

/// The root metadata, understood.
#[derive(Debug)]
pub(super) struct Layout {
    pub(super) attributes: DatasetAttributes,
    pub(super) geometry: ArrayGeometry,
    /// Names of the channels in array order.
    pub(super) channels: Vec<String>,
    /// The metadata document of each array.
    pub(super) arrays: Map<String, Value>,
}

/// Root metadata that no array can have.
#[derive(Debug, thiserror::Error)]
pub(super) enum LayoutError {
    #[error("it is no JSON: {0}")]
    Json(serde_json::Error),
    #[error("its attributes are of another kind: {0}")]
    Attributes(serde_json::Error),
    #[error("it has no {0} that could be an image array's")]
    Field(&'static str),
    #[error("its array is impossible: {0}")]
    Geometry(PlanError),
}

impl Layout {
    pub(super) fn parse(root: &[u8]) -> Result<Self, LayoutError> {
        let root: Value = serde_json::from_slice(root).map_err(LayoutError::Json)?;
        let attributes = root.get("attributes").cloned().unwrap_or_default();
        let attributes: DatasetAttributes =
            serde_json::from_value(attributes).map_err(LayoutError::Attributes)?;
        let arrays = root.pointer("/consolidated_metadata/metadata");
        let arrays = arrays.and_then(Value::as_object).cloned();
        let arrays = arrays.ok_or(LayoutError::Field("consolidated metadata"))?;
        let field = |name: &'static str| {
            let images = arrays.get("images").and_then(|images| images.get(name));
            images.cloned().ok_or(LayoutError::Field(name))
        };
        let shape: [usize; 4] =
            serde_json::from_value(field("shape")?).map_err(|_| LayoutError::Field("shape"))?;
        let [sites, channels, height, width] = shape;
        if shape.iter().any(|length| *length > LENGTH_AT_MOST)
            || channels != attributes.channels.len()
        {
            return Err(LayoutError::Field("shape"));
        }
        let data_type = match field("data_type")?.as_str() {
            Some("uint8") => DataType::UInt8,
            Some("uint16") => DataType::UInt16,
            _ => return Err(LayoutError::Field("data_type")),
        };
        let layout = attributes.settings.layout();
        let geometry = ArrayGeometry::new(sites, channels, height, width, data_type, layout)
            .map_err(LayoutError::Geometry)?;
        let names = attributes.channels.iter();
        Ok(Self {
            channels: names.map(|channel| channel.name.clone()).collect(),
            attributes,
            geometry,
            arrays,
        })
    }

    /// Keys of the metadata document and of the chunk of a label array.
    pub(super) fn label_keys(name: &str) -> [String; 2] {
        let chunk = if name == "present" { "c/0/0" } else { "c/0" };
        [
            format!("{GROUP}/{name}/zarr.json"),
            format!("{GROUP}/{name}/{chunk}"),
        ]
    }

    /// The shard whose object has that key.
    pub(super) fn shard(&self, key: &str) -> Option<usize> {
        let number = key.strip_prefix(SHARDS)?.strip_suffix("/0/0/0")?;
        let number = number.parse().ok()?;
        let is_ours =
            number < self.geometry.shards() && self.geometry.unit(number).shard_key() == key;
        is_ours.then_some(number)
    }

    /// Largest size in bytes that a shard can have, whatever its pixels.
    pub(super) fn shard_bytes_at_most(&self) -> u64 {
        let geometry = &self.geometry;
        // Codecs add a few bytes a block to what they cannot compress.
        let chunk = geometry.chunk_bytes() as u64;
        let chunk = chunk.saturating_add(chunk / 64 + (64 << 10));
        let chunks = geometry.chunks_per_shard() as u64;
        chunks.saturating_mul(chunk.saturating_add(16))
    }

    /// Compares the metadata document of an array with that in the root.
    pub(super) fn check_document(&self, name: &str, key: &str, bytes: &[u8], findings: &Findings) {
        let found: Option<Value> = serde_json::from_slice(bytes).ok();
        if found.as_ref() != self.arrays.get(name) {
            let text = "it is not what the consolidated metadata in the root says of the array";
            findings.object(FindingKind::Mismatch, key, text);
        }
    }
}

/// What the keys of all shards begin with.
pub(super) const SHARDS: &str = "images.zarr/images/c/";

/// The document without what later versions of the program may say otherwise.
pub(super) fn essence(document: &Value) -> Value {
    let mut document = document.clone();
    if let Some(document) = document.as_object_mut() {
        document.remove("attributes");
    }
    document
}
