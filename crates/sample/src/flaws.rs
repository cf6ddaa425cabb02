//! Flaws of a sample: what goes wrong at a microscope, and a report on quality finds.
//!
//! ```text
//! plate 1   02  03  04  05 …          plate 2   02  03  04  05 …
//!       B    b   .   .   .                  B    v   v   v   v
//!       C    b   f   s   .                  C    v   v   v   v
//!       D    b   e   m   =                  D    v   v   v   v
//!
//! b bright edge   f out of focus   s saturated   e empty   m one plane is missing
//! = one plane is the same as that of well B03    v vignette in one channel
//! ```

use super::camera::Exposure;
use super::drawing::{SampleSpec, draw};
use super::stain::CHANNELS;
use super::wells::Site;

/// The least number of sites of a sample with flaws: twelve wells a plate.
pub(super) const LEAST_SITES: usize = 48;
/// The channel whose plane is missing (w3).
const MISSING_CHANNEL: usize = 2;
/// The channel whose planes are equal (w2).
const EQUAL_CHANNEL: usize = 1;
/// The channel with a vignette (w5).
const VIGNETTE_CHANNEL: usize = 4;
/// Light in the wells of the bright edge, relative to the others.
const EDGE_LIGHT: f32 = 1.7;
/// Light in the saturated well, relative to the others.
const SATURATING_LIGHT: f32 = 16.0;
/// Passes of blur of the well that is out of focus: a standard deviation of 4 pixels.
const BLUR: usize = 32;
/// Loss of light in the corners of the plate with a vignette.
const VIGNETTE: f32 = 0.8;

/// One flaw that was made, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flaw {
    /// What is wrong.
    pub kind: FlawKind,
    /// The plate, well, site or plane.
    pub place: String,
}

/// What is wrong in a sample with flaws.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FlawKind {
    /// The images of a well are out of focus.
    Blurred,
    /// The images of a well are exposed too long.
    Saturated,
    /// The wells of an outer column are brighter than the others.
    BrightEdge,
    /// A well has no cells.
    Empty,
    /// The image of a plane is missing.
    Missing,
    /// The same image is that of two wells.
    Equal,
    /// The corners of all images of a plate and a channel are dark.
    Vignette,
}

impl FlawKind {
    /// The flaw in a few words.
    pub fn name(self) -> &'static str {
        match self {
            Self::Blurred => "out of focus",
            Self::Saturated => "saturated",
            Self::BrightEdge => "bright edge",
            Self::Empty => "empty",
            Self::Missing => "missing plane",
            Self::Equal => "equal planes",
            Self::Vignette => "vignette",
        }
    }
}

/// The flaws of each site, in the order of the sites; nothing for a sample without flaws.
#[derive(Debug, Default)]
pub(super) struct Flaws {
    of_site: Vec<FlawsOfSite>,
    list: Vec<Flaw>,
}

/// The flaws of one site.
#[derive(Clone, Debug, Default)]
struct FlawsOfSite {
    exposures: [Exposure; CHANNELS],
    is_empty: bool,
    missing: Option<usize>,
    /// The site whose plane this site has, too, and the channel.
    copy: Option<(usize, usize)>,
}

impl Flaws {
    /// Chooses where the flaws of these sites are.
    pub(super) fn of(sites: &[Site]) -> Self {
        let all = |light: f32, blur: usize| Exposure {
            light,
            blur,
            vignette: 0.0,
        };
        let mut flaws = Self::default();
        for site in sites {
            let mut of_site = FlawsOfSite::default();
            match (site.plate, site.well.as_str(), site.number) {
                (1, "C03", _) => of_site.exposures = [all(1.0, BLUR); CHANNELS],
                (1, "C04", _) => of_site.exposures = [all(SATURATING_LIGHT, 0); CHANNELS],
                (1, "D03", _) => of_site.is_empty = true,
                (1, "D04", 2) => of_site.missing = Some(MISSING_CHANNEL),
                (1, "D05", 1) => {
                    let is_other = |site: &Site| site.plate == 1 && site.well == "B03";
                    let other = sites.iter().position(is_other);
                    of_site.copy = other.map(|other| (other, EQUAL_CHANNEL));
                }
                (1, well, _) if well.ends_with("02") => {
                    of_site.exposures = [all(EDGE_LIGHT, 0); CHANNELS];
                }
                (2, ..) => of_site.exposures[VIGNETTE_CHANNEL].vignette = VIGNETTE,
                _ => {}
            }
            flaws.of_site.push(of_site);
        }
        let experiment = sites.first().map_or("", |site| &site.experiment);
        let w = |channel: usize| format!("w{}", channel + 1);
        flaws.list = [
            (FlawKind::Blurred, "1_C03".to_owned()),
            (FlawKind::Saturated, "1_C04".to_owned()),
            (FlawKind::BrightEdge, "1, column 02".to_owned()),
            (FlawKind::Empty, "1_D03".to_owned()),
            (FlawKind::Missing, format!("1_D04_2 {}", w(MISSING_CHANNEL))),
            (
                FlawKind::Equal,
                format!("1_D05_1 {0} and 1_B03_1 {0}", w(EQUAL_CHANNEL)),
            ),
            (FlawKind::Vignette, format!("2, {}", w(VIGNETTE_CHANNEL))),
        ]
        .map(|(kind, place)| Flaw {
            kind,
            place: format!("{experiment} {place}"),
        })
        .to_vec();
        flaws
    }

    /// The number of planes without an image.
    pub(super) fn missing(&self) -> usize {
        let missing = |site: &&FlawsOfSite| site.missing.is_some();
        self.of_site.iter().filter(missing).count()
    }

    /// The flaws, for people.
    pub(super) fn list(&self) -> Vec<Flaw> {
        self.list.clone()
    }

    /// Draws the planes of site `number` with its flaws. A plane that is missing has no
    /// pixels.
    pub(super) fn draw(
        &self,
        number: usize,
        sites: &[Site],
        spec: &SampleSpec,
    ) -> [Vec<u8>; CHANNELS] {
        let flaws = self.of_site.get(number).cloned().unwrap_or_default();
        let mut planes = draw(&sites[number], spec, &flaws.exposures, !flaws.is_empty);
        if let Some(channel) = flaws.missing {
            planes[channel].clear();
        }
        if let Some((other, channel)) = flaws.copy {
            let of_other = draw(&sites[other], spec, &Default::default(), true);
            planes[channel].clone_from(&of_other[channel]);
        }
        planes
    }
}
