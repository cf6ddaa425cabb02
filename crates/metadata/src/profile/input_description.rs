//! `rxrx2zarr.json`: what the owner of INPUT says about it.

use serde::{Deserialize, Serialize};

use super::channel::{ChannelProfile, check_channels};
use crate::pixel_size::PixelSize;

/// What a file in INPUT says about the data set. Each field is optional, and goes before the
/// profile.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InputDescription {
    /// The name of a built-in profile, or `none`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// The dataset's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The licence, as an [SPDX identifier](https://spdx.org/licenses/) where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub license: Option<String>,
    /// What the licence says or where its text is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub license_text: Option<String>,
    /// Text to cite and people to credit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub citation: Option<String>,
    /// The citation as a BibTeX entry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bibtex: Option<String>,
    /// Address where the dataset is published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Creator of the dataset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub creator: Option<String>,
    /// Side of a pixel in the specimen, in micrometres.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pixel_size: Option<PixelSize>,
    /// Channels. An entry takes the place of all that the profile says about that channel.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub channels: Vec<ChannelProfile>,
}

impl InputDescription {
    /// Name of the file in INPUT: a JSON object with the fields of this type.
    pub const FILE: &str = "rxrx2zarr.json";

    /// Largest size in bytes, because several objects of a dataset repeat the description.
    pub const BYTES_AT_MOST: usize = 1 << 20;

    /// Reads a description from the bytes of a file.
    ///
    /// # Errors
    /// It is no JSON object, a field is unknown or has another type, or a channel has a
    /// wrong name, colour or window. The error names the field.
    pub fn parse(bytes: &[u8]) -> Result<Self, serde_json::Error> {
        // A list of values would be taken for the fields in their order.
        let _: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(bytes)?;
        let description: Self = serde_json::from_slice(bytes)?;
        check_channels(&description.channels).map_err(|reason| {
            serde::de::Error::custom(format!("its field channels cannot be used: {reason}"))
        })?;
        Ok(description)
    }
}
