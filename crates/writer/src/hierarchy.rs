//! The Zarr metadata documents of a dataset: the image array and the root
//! group with its consolidated metadata ([specification]).
//!
//! [specification]: https://zarr-specs.readthedocs.io/en/latest/v3/core/index.html

use crate::location::Location;

use rxrx_metadata::{ArrayGeometry, Column, Layout, Plan, zarr_name};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::codec::Codec;
use crate::description::{ChannelDescription, Description, GENERATOR};
use crate::fingerprint::{FORMAT, table_sha256};
use crate::prepare::PlanOptions;
use crate::record::PlaneCounts;
use crate::tables::EmbeddingsDigest;

/// The folder of the Zarr group inside a dataset.
pub(crate) const GROUP: &str = "images.zarr";
/// Key of the object whose existence makes a dataset complete.
pub(crate) const ROOT_METADATA: &str = "images.zarr/zarr.json";
/// Key of the image array's metadata.
pub(crate) const IMAGES_METADATA: &str = "images.zarr/images/zarr.json";

/// Key of the dataset's card.
pub(crate) const CARD: &str = "README.md";
/// Key of the description for machines.
pub(crate) const CROISSANT: &str = "croissant.json";
/// Key of the list of checksums.
pub(crate) const CHECKSUMS: &str = "SHA256SUMS";

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
    /// The options by which the same input gives the same plan again.
    /// `metadata` is the table, where it is not to be found beside the images.
    pub fn plan_options(&self, metadata: Option<Location>) -> PlanOptions {
        PlanOptions {
            metadata,
            embeddings: None,
            include: self.include.clone(),
            exclude: self.exclude.clone(),
            layout: self.layout(),
        }
    }

    pub(crate) fn layout(&self) -> Layout {
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
    /// Counts up whenever the same input and settings give other bytes.
    pub format: u32,
    /// SHA-256 of the names, types and values of the metadata columns, of the
    /// selected rows in array order: equal for equal tables, however they were
    /// written.
    pub metadata_sha256: String,
    /// Which embeddings there are, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub embeddings: Option<EmbeddingsDigest>,
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
            format: FORMAT,
            metadata_sha256: hex::encode(table_sha256(plan.table())),
            embeddings: None,
        }
    }
}

/// The `zarr.json` of the image array.
pub(crate) fn images_metadata(plan: &Plan, codec: Codec) -> Value {
    array_metadata(plan.geometry(), plan.table().columns(), codec)
}

/// The same for an array of `geometry` and its `columns`.
pub(crate) fn array_metadata(geometry: &ArrayGeometry, columns: &[Column], codec: Codec) -> Value {
    let columns = columns.iter();
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

#[cfg(test)]
mod tests {
    use rxrx_metadata::Layout;

    use super::*;
    use crate::fixture::{plan, settings};

    #[test]
    fn a_shard_reaches_beyond_the_channels_where_chunks_do() {
        let plan = plan(
            5,
            6,
            Layout {
                chunk_sites: 2,
                chunk_channels: Some(4),
                shard_sites: 4,
            },
        );
        let images = images_metadata(&plan, Codec::Zstd);
        assert_eq!(images["shape"], json!([5, 6, 4, 4]));
        let grid = &images["chunk_grid"]["configuration"];
        assert_eq!(grid["chunk_shape"], json!([4, 8, 4, 4]));
        let sharding = &images["codecs"][0]["configuration"];
        assert_eq!(sharding["chunk_shape"], json!([2, 4, 4, 4]));
        assert_eq!(sharding["index_location"], "end");
        let coordinates = "site_id experiment plate well site_number dose stain";
        assert_eq!(images["attributes"]["coordinates"], coordinates);
    }

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
