//! The root group of a dataset: its attributes, and the metadata of all arrays.
//! Here the root is written and parsed, and nowhere else.

use rxrx_metadata::{ArrayGeometry, Layout, Plan, PlanError};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::codec::chain::Codec;
use crate::description::{ChannelDescription, Description};
use crate::image_array::data_type;
use crate::keys::{IMAGES, OBJECTS, Object, shard_number};
use crate::plane_counts::PlaneCounts;
use crate::table_digest::table_sha256;
use crate::tables::embeddings::EmbeddingsDigest;
use crate::version::{
    ENCODER_REVISION, FORMAT_IS_DRAFT, FORMAT_VERSION, GENERATOR, OLDEST_FORMAT_VERSION,
};

/// What a conversion was told to do; enough, with the input, to repeat it byte
/// for byte.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// The codec of the image chunks.
    pub codec: Codec,
    /// Sites in a chunk.
    pub chunk_sites: usize,
    /// Channels in a chunk.
    pub chunk_channels: usize,
    /// Sites in a shard.
    pub shard_sites: usize,
    /// The rows to convert, as given; empty for all.
    pub include: Vec<String>,
    /// The rows to leave out, as given.
    pub exclude: Vec<String>,
}

impl Settings {
    /// How the array is cut.
    pub fn layout(&self) -> Layout {
        Layout {
            chunk_sites: self.chunk_sites,
            chunk_channels: Some(self.chunk_channels),
            shard_sites: self.shard_sites,
        }
    }
}

/// The attributes of the root group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DatasetAttributes {
    /// Name, licence and citation.
    #[serde(flatten)]
    pub description: Description,
    /// One entry for each position along the `channel` dimension.
    pub channels: Vec<ChannelDescription>,
    /// Program and version that wrote the dataset.
    pub generator: String,
    /// How it was told to.
    pub settings: Settings,
    /// How many planes are stored, missing and corrupt.
    pub planes: PlaneCounts,
    /// What a reader must know: see [`FORMAT_VERSION`]. Format 3 calls it `format`.
    #[serde(alias = "format")]
    pub format_version: u32,
    /// See [`ENCODER_REVISION`]; `None` in format 3, which has one number for both.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoder_revision: Option<u32>,
    /// Whether a later version of the program may read this format otherwise.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub format_draft: bool,
    /// SHA-256 of the names, types and values of the metadata columns, of the
    /// selected rows in array order: equal for equal tables, however they were
    /// written.
    pub metadata_sha256: String,
    /// Which embeddings there are, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub embeddings: Option<EmbeddingsDigest>,
}

impl DatasetAttributes {
    pub fn new(
        description: Description,
        plan: &Plan,
        settings: Settings,
        planes: PlaneCounts,
    ) -> Self {
        let data_type = plan.geometry().data_type;
        let channels = plan.channels().iter();
        Self {
            description,
            channels: channels
                .map(|&channel| ChannelDescription::of(channel, data_type))
                .collect(),
            generator: GENERATOR.to_owned(),
            settings,
            planes,
            format_version: FORMAT_VERSION,
            encoder_revision: Some(ENCODER_REVISION),
            format_draft: FORMAT_IS_DRAFT,
            metadata_sha256: hex::encode(table_sha256(plan.table())),
            embeddings: None,
        }
    }
}

/// The `zarr.json` of the root group: attributes, and the metadata of every
/// array inline, because a store behind plain HTTP cannot be listed.
pub fn root_metadata(
    attributes: &DatasetAttributes,
    arrays: Map<String, Value>,
) -> Result<Value, serde_json::Error> {
    Ok(json!({
        "zarr_format": 3,
        "node_type": "group",
        "attributes": serde_json::to_value(attributes)?,
        "consolidated_metadata": {
            "kind": "inline",
            "must_understand": false,
            "metadata": arrays,
        },
    }))
}

/// Lengths of axes beyond this are not to be calculated with.
const LENGTH_AT_MOST: usize = 1 << 40;

/// The root metadata, understood.
#[derive(Debug)]
pub struct Root {
    pub attributes: DatasetAttributes,
    pub geometry: ArrayGeometry,
    /// Names of the channels in array order.
    pub channels: Vec<String>,
    /// The metadata document of each array.
    pub arrays: Map<String, Value>,
}

/// Root metadata that no array can have.
#[derive(Debug, thiserror::Error)]
pub enum RootError {
    #[error("it is no JSON: {0}")]
    Json(serde_json::Error),
    #[error("its attributes are of another kind: {0}")]
    Attributes(serde_json::Error),
    #[error("it has no {0} that could be an image array's")]
    Field(&'static str),
    #[error("its array is impossible: {0}")]
    Geometry(PlanError),
    #[error(
        "it has format {found}, and this version of rxrx2zarr reads formats \
         {OLDEST_FORMAT_VERSION} to {FORMAT_VERSION}: {}",
        if *.found > FORMAT_VERSION { "use a newer version" } else { "use an older version" }
    )]
    Version { found: u32 },
}

impl Root {
    pub fn parse(root: &[u8]) -> Result<Self, RootError> {
        let root: Value = serde_json::from_slice(root).map_err(RootError::Json)?;
        let attributes = root.get("attributes").cloned().unwrap_or_default();
        let attributes: DatasetAttributes =
            serde_json::from_value(attributes).map_err(RootError::Attributes)?;
        let found = attributes.format_version;
        if !(OLDEST_FORMAT_VERSION..=FORMAT_VERSION).contains(&found) {
            return Err(RootError::Version { found });
        }
        let arrays = root.pointer("/consolidated_metadata/metadata");
        let arrays = arrays.and_then(Value::as_object).cloned();
        let arrays = arrays.ok_or(RootError::Field("consolidated metadata"))?;
        let field = |name: &'static str| {
            let images = arrays.get("images").and_then(|images| images.get(name));
            images.cloned().ok_or(RootError::Field(name))
        };
        let shape: [usize; 4] =
            serde_json::from_value(field("shape")?).map_err(|_| RootError::Field("shape"))?;
        let [sites, channels, height, width] = shape;
        if shape.iter().any(|length| *length > LENGTH_AT_MOST)
            || channels != attributes.channels.len()
        {
            return Err(RootError::Field("shape"));
        }
        let name = field("data_type")?;
        let data_type = name.as_str().and_then(data_type);
        let data_type = data_type.ok_or(RootError::Field("data_type"))?;
        let layout = attributes.settings.layout();
        let geometry = ArrayGeometry::new(sites, channels, height, width, data_type, layout)
            .map_err(RootError::Geometry)?;
        let names = attributes.channels.iter();
        Ok(Self {
            channels: names.map(|channel| channel.name.clone()).collect(),
            attributes,
            geometry,
            arrays,
        })
    }

    /// The shard whose object has that key.
    pub fn shard(&self, key: &str) -> Option<usize> {
        shard_number(key).filter(|shard| *shard < self.geometry.shards())
    }

    /// The objects with fixed keys that the dataset has.
    pub fn objects(&self) -> impl Iterator<Item = &'static Object> {
        let has_embeddings = self.attributes.embeddings.is_some();
        OBJECTS
            .iter()
            .filter(move |object| !object.is_optional || has_embeddings)
    }

    /// Names of the axes of the image array, outermost first.
    pub fn dimensions(&self) -> Vec<String> {
        let images = self.arrays.get(IMAGES);
        let names = images.and_then(|images| images.get("dimension_names")?.as_array());
        let names = names.into_iter().flatten();
        names
            .filter_map(|name| Some(name.as_str()?.to_owned()))
            .collect()
    }

    /// Names of the label arrays.
    pub fn labels(&self) -> impl Iterator<Item = &str> {
        let names = self.arrays.keys().map(String::as_str);
        names.filter(|name| *name != IMAGES)
    }

    /// Largest size in bytes that a shard can have, whatever its pixels.
    pub fn shard_bytes_at_most(&self) -> u64 {
        let geometry = &self.geometry;
        // Codecs add a few bytes a block to what they cannot compress.
        let chunk = geometry.chunk_bytes() as u64;
        let chunk = chunk.saturating_add(chunk / 64 + (64 << 10));
        let chunks = geometry.chunks_per_shard() as u64;
        chunks.saturating_mul(chunk.saturating_add(16))
    }
}

#[cfg(test)]
mod tests {
    use rxrx_metadata::Layout;

    use super::*;
    use crate::testing::{plan, settings};

    #[test]
    fn attributes_are_read_as_they_were_written() {
        let plan = plan(1, 2, Layout::default());
        let planes = PlaneCounts {
            ok: 1,
            missing: 1,
            corrupt: 0,
        };
        let attributes = DatasetAttributes::new(Description::rxrx1(), &plan, settings(), planes);
        let root = root_metadata(&attributes, Map::new()).unwrap();
        assert_eq!(root["attributes"]["name"], "RxRx1");
        assert_eq!(root["attributes"]["settings"]["codec"], "blosc-zstd");
        let read: DatasetAttributes = serde_json::from_value(root["attributes"].clone()).unwrap();
        assert_eq!(read, attributes);
    }
}
