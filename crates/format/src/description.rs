//! Name, licence, citation and channels of a dataset. The Zarr attributes, the Parquet
//! metadata, Croissant and the card take them from here.

use rxrx_metadata::{Channel, DataType};
use serde::{Deserialize, Serialize};

/// [SPDX identifiers](https://spdx.org/licenses/) of licences that are common for data.
const LICENSES: [&str; 15] = [
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "CC-BY-3.0",
    "CC-BY-4.0",
    "CC-BY-NC-4.0",
    "CC-BY-NC-ND-4.0",
    "CC-BY-NC-SA-4.0",
    "CC-BY-ND-4.0",
    "CC-BY-SA-4.0",
    "CC0-1.0",
    "MIT",
    "ODC-By-1.0",
    "ODbL-1.0",
    "PDDL-1.0",
];

/// Name, licence and citation of a dataset.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Description {
    /// The dataset's name.
    pub name: String,
    /// The licence, as an [SPDX identifier](https://spdx.org/licenses/) where there is one.
    pub license: String,
    /// Text to cite and people to credit.
    pub citation: String,
    /// Address where the dataset is published, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Creator of the dataset, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub creator: Option<String>,
}

impl Description {
    /// Name of the file in INPUT that describes data other than RxRx1: a JSON object with
    /// the fields of this type.
    pub const FILE: &str = "rxrx2zarr.json";

    /// Largest size in bytes, because several objects repeat the description.
    pub const BYTES_AT_MOST: usize = 1 << 20;

    /// Reads a description from the bytes of a file.
    ///
    /// # Errors
    /// It is no JSON object with `name`, `license` and `citation`.
    pub fn parse(bytes: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(bytes)
    }

    /// RxRx1 as Recursion published it.
    pub fn rxrx1() -> Self {
        Self {
            name: "RxRx1".to_owned(),
            license: "CC-BY-NC-SA-4.0".to_owned(),
            citation: "Sypetkowski et al., RxRx1: A Dataset for Evaluating Experimental Batch \
                       Correction Methods, CVPR Workshops 2023, https://www.rxrx.ai/rxrx1. \
                       © Recursion Pharmaceuticals."
                .to_owned(),
            url: Some("https://www.rxrx.ai/rxrx1".to_owned()),
            creator: Some("Recursion Pharmaceuticals".to_owned()),
        }
    }

    /// Address of the licence at SPDX; `None` where the text is not one of the identifiers
    /// that are common for data.
    pub fn license_url(&self) -> Option<String> {
        let known = |id: &&&str| **id == self.license;
        let id = LICENSES.iter().find(known)?;
        Some(format!("https://spdx.org/licenses/{id}.html"))
    }

    /// Describes the synthetic data of `rxrx2zarr sample`.
    pub fn look_alike() -> Self {
        Self {
            name: "RxRx1 look-alike (synthetic)".to_owned(),
            license: "CC0-1.0".to_owned(),
            citation: "Synthetic cells made by rxrx2zarr sample; not data of Recursion.".to_owned(),
            url: None,
            creator: None,
        }
    }
}

/// Stain, structure and display of a channel.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChannelDescription {
    /// The label along the array's `channel` dimension.
    pub name: String,
    /// The dye; empty when not known.
    pub stain: String,
    /// The structure that the dye shows; empty when not known.
    pub structure: String,
    /// Display colour as `RRGGBB`.
    pub color: String,
    /// Intensities between which the contrast is stretched.
    pub window: Window,
}

/// A display window, as in [OMERO's rendering settings].
///
/// [OMERO's rendering settings]: https://ngff.openmicroscopy.org/0.5/#omero-md
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// Intensity that is shown black.
    pub start: u32,
    /// Intensity that is shown at full brightness.
    pub end: u32,
    /// Smallest possible intensity.
    pub min: u32,
    /// Largest possible intensity.
    pub max: u32,
}

/// Dye, structure, colour and window end of RxRx1's channels `w1` to `w6`
/// (8 bit).
const RXRX1_CHANNELS: [(&str, &str, &str, u32); 6] = [
    ("Hoechst", "nuclei", "1300F9", 51),
    ("Concanavalin A", "endoplasmic reticulum", "2AFF1F", 107),
    ("Phalloidin", "actin cytoskeleton", "FF0019", 64),
    ("Syto14", "RNA, nucleoli", "2DFFFC", 191),
    ("MitoTracker", "mitochondria", "FA00FD", 89),
    ("WGA", "Golgi apparatus, plasma membrane", "FEFF28", 191),
];

impl ChannelDescription {
    /// Describes the channel `name` of images of type `data_type`. Only of the channels
    /// `w1`, `w2`, … more than the name is known.
    pub fn named(name: &str, channel: Channel, data_type: DataType) -> Self {
        if name == channel.to_string() {
            return Self::of(channel, data_type);
        }
        Self {
            name: name.to_owned(),
            ..Self::of(Channel(u16::MAX), data_type)
        }
    }

    /// Describes one channel of images of type `data_type`.
    pub fn of(channel: Channel, data_type: DataType) -> Self {
        let known = usize::from(channel.0)
            .checked_sub(1)
            .and_then(|position| RXRX1_CHANNELS.get(position));
        let (stain, structure, color, end) = known.copied().unwrap_or(("", "", "FFFFFF", 255));
        let max = u32::from(data_type.max_value());
        Self {
            name: channel.to_string(),
            stain: stain.to_owned(),
            structure: structure.to_owned(),
            color: color.to_owned(),
            window: Window {
                start: 0,
                end: if max == 255 { end } else { max },
                min: 0,
                max,
            },
        }
    }
}
