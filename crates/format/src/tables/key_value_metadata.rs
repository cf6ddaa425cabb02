//! The key-value metadata of the tables.

use rxrx_metadata::ArrayGeometry;
use serde_json::Value;

use crate::image_array::data_type_name;
use crate::root::DatasetAttributes;

/// Key-value metadata of the tables: what array they belong to, and all that a
/// reader without a Zarr library needs to decode a byte range.
pub fn key_value_metadata(
    geometry: &ArrayGeometry,
    attributes: &DatasetAttributes,
) -> Vec<(&'static str, String)> {
    let codec = attributes.settings.codec;
    let json = |value: Value| value.to_string();
    let description = &attributes.description;
    let mut notes = vec![
        ("array", "images.zarr/images".to_owned()),
        ("array_shape", json(geometry.shape().to_vec().into())),
        ("array_dimensions", "site,channel,y,x".to_owned()),
        ("data_type", data_type_name(geometry.data_type).to_owned()),
        ("chunk_shape", json(geometry.chunk_shape().to_vec().into())),
        ("chunk_codecs", json(codec.chain(geometry).into())),
        ("dataset", description.name.clone()),
    ];
    // What is not known is not stated.
    let known = [
        ("license", &description.license),
        ("citation", &description.citation),
    ];
    notes.extend(
        known
            .into_iter()
            .filter_map(|(key, text)| Some((key, text.clone()?))),
    );
    notes
}
