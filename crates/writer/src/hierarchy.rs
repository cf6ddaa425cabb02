//! The Zarr metadata documents of a dataset: the image array and the root
//! group with its consolidated metadata ([specification]).
//!
//! [specification]: https://zarr-specs.readthedocs.io/en/latest/v3/core/index.html

use rxrx_metadata::{ArrayGeometry, Plan, zarr_name};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::codec::Codec;
use crate::description::{ChannelDescription, Description, GENERATOR};
use crate::record::PlaneCounts;

/// The folder of the Zarr group inside a dataset.
pub(crate) const GROUP: &str = "images.zarr";
/// Key of the object whose existence makes a dataset complete.
pub(crate) const ROOT_METADATA: &str = "images.zarr/zarr.json";
/// Key of the image array's metadata.
pub(crate) const IMAGES_METADATA: &str = "images.zarr/images/zarr.json";

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
}

impl DatasetAttributes {
    pub(crate) fn new(
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
        }
    }
}

/// The `zarr.json` of the image array.
pub(crate) fn images_metadata(plan: &Plan, codec: Codec) -> Value {
    let geometry = plan.geometry();
    let columns = plan.table().columns().iter();
    let mut coordinates: Vec<String> = columns.map(|column| zarr_name(&column.name)).collect();
    coordinates.push("stain".to_owned());
    json!({
        "zarr_format": 3,
        "node_type": "array",
        "shape": geometry.shape(),
        "data_type": geometry.data_type.zarr_name(),
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": geometry.shard_shape()}},
        "chunk_key_encoding": {"name": "default", "configuration": {"separator": "/"}},
        "fill_value": 0,
        "codecs": [sharding(geometry, codec)],
        "dimension_names": ["site", "channel", "y", "x"],
        "attributes": {
            "long_name": "fluorescence intensity",
            "coordinates": coordinates.join(" "),
        },
    })
}

fn sharding(geometry: &ArrayGeometry, codec: Codec) -> Value {
    json!({"name": "sharding_indexed", "configuration": {
        "chunk_shape": geometry.chunk_shape(),
        "codecs": codec.chain(geometry),
        "index_codecs": [
            {"name": "bytes", "configuration": {"endian": "little"}},
            {"name": "crc32c"},
        ],
        "index_location": "end",
    }})
}

/// The `zarr.json` of the root group: attributes, and the metadata of every
/// array inline, because a store behind plain HTTP cannot be listed.
pub(crate) fn root_metadata(
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
