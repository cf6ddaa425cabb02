//! What is found to be wrong.

use serde::Serialize;

use crate::screen::{PlateRows, Screen};

/// The kind of a flag.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FlagKind {
    /// There is no image.
    Missing,
    /// The system could not read the image.
    Unreadable,
    /// The image cannot be used.
    Corrupt,
    /// Pixels are at the largest value.
    Saturated,
    /// Nothing is above the background.
    Empty,
    /// The images are out of focus.
    Blurred,
    /// The image is brighter than others of its plate.
    Bright,
    /// The image is darker than others of its plate.
    Dim,
    /// The first or last row or column of a plate is brighter or darker.
    Edge,
    /// Another row or column of a plate is brighter or darker.
    Stripe,
    /// A plate is brighter or darker than others of its experiment.
    Drift,
    /// Two planes have the same pixels.
    Equal,
    /// The corners of the images of a plate are dark.
    Vignette,
}

impl FlagKind {
    /// All kinds, in the order in which they are told.
    pub const ALL: [Self; 13] = [
        Self::Missing,
        Self::Unreadable,
        Self::Corrupt,
        Self::Saturated,
        Self::Empty,
        Self::Blurred,
        Self::Bright,
        Self::Dim,
        Self::Edge,
        Self::Stripe,
        Self::Drift,
        Self::Equal,
        Self::Vignette,
    ];

    /// The word of the JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Unreadable => "unreadable",
            Self::Corrupt => "corrupt",
            Self::Saturated => "saturated",
            Self::Empty => "empty",
            Self::Blurred => "blurred",
            Self::Bright => "bright",
            Self::Dim => "dim",
            Self::Edge => "edge",
            Self::Stripe => "stripe",
            Self::Drift => "drift",
            Self::Equal => "equal",
            Self::Vignette => "vignette",
        }
    }
}

/// Something that is wrong with a site or a plate.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Flag {
    /// What is wrong.
    pub kind: FlagKind,
    /// The experiment.
    pub experiment: String,
    /// The plate.
    pub plate: String,
    /// The well; absent for a flag of a plate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub well: Option<String>,
    /// The site; absent for a flag of a plate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub site_id: Option<String>,
    /// The channels.
    pub channels: Vec<String>,
    /// Whether the site is a negative control; absent where no rule tells it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub control: Option<bool>,
    /// The worst value of these channels; `text` says of what. Absent where nothing is
    /// measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<f64>,
    /// What is wrong and why, in words.
    pub text: String,
}

impl Flag {
    /// Makes a flag of a site.
    pub(crate) fn of_site(
        kind: FlagKind,
        screen: &Screen,
        plate: &PlateRows,
        site: usize,
        channels: &[usize],
        value: Option<f64>,
        text: String,
    ) -> Self {
        let told = screen.controls.is_some();
        Self {
            well: screen.well_names.get(site).cloned(),
            site_id: screen.site_ids.get(site).cloned(),
            control: told.then(|| screen.is_control(site)),
            ..Self::of_plate(kind, screen, plate, channels, value, text)
        }
    }

    /// Makes a flag of a plate.
    pub(crate) fn of_plate(
        kind: FlagKind,
        screen: &Screen,
        plate: &PlateRows,
        channels: &[usize],
        value: Option<f64>,
        text: String,
    ) -> Self {
        Self {
            kind,
            experiment: plate.experiment.clone(),
            plate: plate.plate.clone(),
            well: None,
            site_id: None,
            channels: channels.iter().map(|&c| screen.channel(c)).collect(),
            control: None,
            value,
            text,
        }
    }
}
