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
    /// Sentences that say what the images show and how they were made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<String>,
    /// Sentences that say what the dataset is for, and what it is not for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub intended_use: Option<String>,
    /// Version of the dataset, such as `1.0.0`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Day on which the dataset is published, such as `2026-11-28`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date_published: Option<String>,
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
        let unusable = |field: &str, reason: &str| -> serde_json::Error {
            serde::de::Error::custom(format!("its field {field} cannot be used: {reason}"))
        };
        check_channels(&description.channels).map_err(|reason| unusable("channels", &reason))?;
        let date = description.date_published.as_deref();
        if date.is_some_and(|date| !is_day(date)) {
            return Err(unusable(
                "date_published",
                "it is no day such as 2026-11-28",
            ));
        }
        let version = description.version.as_deref();
        if version.is_some_and(|version| !is_version(version)) {
            return Err(unusable(
                "version",
                "it is not three whole numbers such as 1.0.0, which Croissant demands",
            ));
        }
        Ok(description)
    }
}

/// Whether a text is a day, `YYYY-MM-DD`.
fn is_day(text: &str) -> bool {
    let read = text.parse::<toml::value::Datetime>();
    read.is_ok_and(|read| read.date.is_some() && read.time.is_none())
}

/// Whether a text is `MAJOR.MINOR.PATCH`.
fn is_version(text: &str) -> bool {
    let parts: Vec<&str> = text.split('.').collect();
    let is_number =
        |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    parts.len() == 3 && parts.iter().all(is_number)
}
