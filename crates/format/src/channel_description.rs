//! Stain, structure and display of a channel.

use std::fmt;

use rxrx_metadata::{ChannelProfile, DataType};
use serde::{Deserialize, Serialize};

/// Colour of a channel about which nothing is known.
const WHITE: &str = "FFFFFF";

/// Stain, structure and display of a channel.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChannelDescription {
    /// The label along the array's `channel` dimension.
    pub name: String,
    /// The dye; empty when not known.
    pub stain: String,
    /// The structure that the dye shows; empty when not known.
    pub structure: String,
    /// Terms of the [Gene Ontology](https://geneontology.org/) for the structure.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub structure_ids: Vec<String>,
    /// Display colour as `RRGGBB`.
    pub color: String,
    /// Intensities between which the contrast is stretched.
    pub window: Window,
    /// Where the window comes from. `None` in datasets of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window_from: Option<WindowOrigin>,
    /// Wavelength of the light that excites the dye, in nanometres; `None` where it is not
    /// known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub excitation_nm: Option<f64>,
    /// Wavelength of the light that the dye emits, in nanometres; `None` where it is not
    /// known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub emission_nm: Option<f64>,
}

/// Where a display window comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WindowOrigin {
    /// From the profile of the data set or from `rxrx2zarr.json`.
    Given,
    /// From the statistics of the planes.
    Data,
}

impl WindowOrigin {
    /// The word in the root and in `channels.parquet`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Given => "given",
            Self::Data => "data",
        }
    }

    /// Returns the origin of that name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        let all = [Self::Given, Self::Data];
        all.into_iter().find(|origin| origin.name() == name)
    }
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

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            start,
            end,
            min,
            max,
        } = self;
        write!(f, "{start} to {end} (of {min} to {max})")
    }
}

impl Window {
    /// The window of all intensities that images of this type can have.
    pub fn whole(data_type: DataType) -> Self {
        let max = u32::from(data_type.max_value());
        Self {
            start: 0,
            end: max,
            min: 0,
            max,
        }
    }
}

impl ChannelDescription {
    /// Describes a channel of images of type `data_type`. Without a window, or with one that
    /// the images cannot have, the window is to come from the data.
    pub fn new(known: &ChannelProfile, data_type: DataType) -> Self {
        let whole = Window::whole(data_type);
        let given = known.window.map(|[start, end]| Window {
            start: u32::from(start),
            end: u32::from(end),
            ..whole
        });
        let given = given.filter(|window| window.end <= window.max);
        Self {
            name: known.name.clone(),
            stain: known.stain.clone(),
            structure: known.structure.clone(),
            structure_ids: known.structure_ids.clone(),
            color: known.color.clone().unwrap_or_else(|| WHITE.to_owned()),
            window: given.unwrap_or(whole),
            window_from: Some(match given {
                Some(_) => WindowOrigin::Given,
                None => WindowOrigin::Data,
            }),
            excitation_nm: known.excitation_nm,
            emission_nm: known.emission_nm,
        }
    }

    /// Describes a channel about which nothing is known.
    pub fn unknown(name: String, data_type: DataType) -> Self {
        let known = ChannelProfile {
            name,
            ..ChannelProfile::default()
        };
        Self::new(&known, data_type)
    }

    /// Whether the window is one that the data give.
    pub fn has_window_of_data(&self) -> bool {
        self.window_from == Some(WindowOrigin::Data)
    }

    /// The window in words, as it is compared with another description.
    pub(crate) fn window_text(&self) -> String {
        match self.has_window_of_data() {
            true => "from the data".to_owned(),
            false => format!("{} to {}", self.window.start, self.window.end),
        }
    }
}
