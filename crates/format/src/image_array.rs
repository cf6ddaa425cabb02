//! The Zarr metadata of the image array ([specification]).
//!
//! [specification]: https://zarr-specs.readthedocs.io/en/latest/v3/core/index.html

use rxrx_decoder::{BitDepth, PlaneShape};
use rxrx_metadata::{ArrayGeometry, Column, DataType, Plan};
use serde_json::{Value, json};

use crate::array_name::{CHANNEL_LABELS, zarr_name};
use crate::codec::chain::Codec;
use crate::shard::sharding_indexed;

/// Name of a data type in Zarr.
pub fn data_type_name(data_type: DataType) -> &'static str {
    match data_type {
        DataType::UInt8 => "uint8",
        DataType::UInt16 => "uint16",
    }
}

/// The data type with that name, if an image array can have it.
pub(crate) fn data_type(name: &str) -> Option<DataType> {
    let types = [DataType::UInt8, DataType::UInt16];
    types
        .into_iter()
        .find(|data_type| data_type_name(*data_type) == name)
}

/// Shape of every plane of the array.
pub fn plane_shape(geometry: &ArrayGeometry) -> PlaneShape {
    PlaneShape {
        height: u32::try_from(geometry.height).unwrap_or(u32::MAX),
        width: u32::try_from(geometry.width).unwrap_or(u32::MAX),
        depth: match geometry.data_type {
            DataType::UInt8 => BitDepth::Eight,
            DataType::UInt16 => BitDepth::Sixteen,
        },
    }
}

/// Writes the `zarr.json` of the image array of `plan`.
pub fn images_metadata(plan: &Plan, codec: Codec) -> Value {
    array_metadata(plan.geometry(), plan.table().columns(), codec)
}

/// Writes the `zarr.json` of an image array of `geometry`. `columns` are those of the
/// metadata table, which become its coordinates.
pub fn array_metadata(geometry: &ArrayGeometry, columns: &[Column], codec: Codec) -> Value {
    array_document(
        geometry,
        columns,
        &ArrayDescription {
            codecs: codec.chain(geometry),
            dimensions: ["site", "channel", "y", "x"],
            long_name: "fluorescence intensity",
        },
    )
}

/// What differs between the arrays of pixels.
pub(crate) struct ArrayDescription {
    /// The Zarr codecs of a chunk.
    pub(crate) codecs: Vec<Value>,
    pub(crate) dimensions: [&'static str; 4],
    pub(crate) long_name: &'static str,
}

/// Writes the `zarr.json` of an array of pixels.
pub(crate) fn array_document(
    geometry: &ArrayGeometry,
    columns: &[Column],
    description: &ArrayDescription,
) -> Value {
    let columns = columns.iter();
    let mut coordinates: Vec<String> = columns.map(|column| zarr_name(&column.name)).collect();
    let of_channels = CHANNEL_LABELS.iter().skip(1);
    coordinates.extend(of_channels.map(|name| (*name).to_owned()));
    json!({
        "zarr_format": 3,
        "node_type": "array",
        "shape": geometry.shape(),
        "data_type": data_type_name(geometry.data_type),
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": geometry.shard_shape()}},
        "chunk_key_encoding": {"name": "default", "configuration": {"separator": "/"}},
        "fill_value": 0,
        "codecs": [sharding_indexed(&json!(geometry.chunk_shape()), &description.codecs.clone().into())],
        "dimension_names": description.dimensions,
        "attributes": {
            "long_name": description.long_name,
            "coordinates": coordinates.join(" "),
        },
    })
}

#[cfg(test)]
mod tests {
    use rxrx_metadata::Layout;

    use super::*;
    use crate::testing::plan;

    #[test]
    fn a_shard_reaches_beyond_the_channels_where_chunks_do() {
        let plan = plan(
            5,
            6,
            Layout {
                chunk_sites: 2,
                chunk_channels: Some(4),
                shard_sites: Some(4),
                ..Layout::default()
            },
        );
        let images = images_metadata(&plan, Codec::Zstd);
        assert_eq!(images["shape"], json!([5, 6, 4, 4]));
        let grid = &images["chunk_grid"]["configuration"];
        assert_eq!(grid["chunk_shape"], json!([4, 8, 4, 4]));
        let sharding = &images["codecs"][0]["configuration"];
        assert_eq!(sharding["chunk_shape"], json!([2, 4, 4, 4]));
        assert_eq!(sharding["index_location"], "end");
        let coordinates = "site_id experiment plate well site_number dose \
                           stain structure structure_id color window_start window_end";
        assert_eq!(images["attributes"]["coordinates"], coordinates);
    }
}
