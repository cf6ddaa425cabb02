//! The grammar of image paths: `EXP/PlateN/WELL_sS_wC.png`, after any prefix. TIFF and
//! JPEG 2000 files have the same names with another end.

use crate::number::positive;
use crate::plate::Plate;
use crate::site::{Channel, ExperimentName, SiteKey};
use crate::well::Well;

/// The site and the channel that the path of an image names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PlanePath {
    /// The site that the image shows.
    pub key: SiteKey,
    /// The channel of the image.
    pub channel: Channel,
}

/// Reads the last three components of `path`, which are separated by `/`.
///
/// Returns `None` if they do not follow the grammar. Numbers may be zero-padded. `N` may
/// also be the name of a plate, such as a bar code.
///
/// ```
/// let plane = rxrx_metadata::parse_plane_path("rxrx1/images/train/HUVEC-01/Plate4/B02_s1_w6.png");
/// assert_eq!(plane.unwrap().key.to_string(), "HUVEC-1/Plate4/B02_s1");
/// ```
pub fn parse_plane_path(path: &str) -> Option<PlanePath> {
    let parts = PathParts::parse(path)?;
    let experiment = ExperimentName::new(parts.experiment);
    Some(parts.with_names(experiment, Plate::of_path(parts.plate)))
}

/// Ends of the names of images.
pub(crate) const IMAGE_EXTENSIONS: [&str; 4] = [".png", ".tif", ".tiff", ".jp2"];

/// Returns the end of an image's name; `None` if it is no image.
pub(crate) fn image_extension(name: &str) -> Option<&'static str> {
    IMAGE_EXTENSIONS.into_iter().find(|end| name.ends_with(end))
}

/// A parsed path whose experiment name is not normalised yet, so that a listing
/// can share one normalised name among thousands of images.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PathParts<'path> {
    pub(crate) experiment: &'path str,
    pub(crate) plate: &'path str,
    well: Well,
    site: u32,
    channel: Channel,
}

impl<'path> PathParts<'path> {
    /// Parses a path; `None` if it does not follow the grammar.
    pub(crate) fn parse(path: &'path str) -> Option<Self> {
        let mut components = path.rsplit('/');
        let name = components.next()?;
        let mut stem = name.strip_suffix(image_extension(name)?)?.split('_');
        let plate = components.next()?.strip_prefix("Plate")?;
        let plate = Some(plate).filter(|name| !name.trim().is_empty())?;
        let experiment = components.next().filter(|name| !name.trim().is_empty())?;
        let well = stem.next()?.parse().ok()?;
        let site = positive(stem.next()?.strip_prefix('s')?)?;
        let channel = stem.next()?.parse().ok()?;
        stem.next().is_none().then_some(Self {
            experiment,
            plate,
            well,
            site,
            channel,
        })
    }

    /// Completes the path with the normalised name of its experiment, and its plate.
    pub(crate) fn with_names(self, experiment: ExperimentName, plate: Plate) -> PlanePath {
        let Self {
            well,
            site,
            channel,
            ..
        } = self;
        PlanePath {
            key: SiteKey {
                experiment,
                plate,
                well,
                site,
            },
            channel,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_may_have_any_prefix() {
        let expected = PlanePath {
            key: SiteKey {
                experiment: ExperimentName::new("HUVEC-1"),
                plate: Plate::Number(4),
                well: "AA02".parse().unwrap(),
                site: 2,
            },
            channel: Channel(6),
        };
        for prefix in [
            "",
            "images/",
            "rxrx1/images/train/",
            "test/",
            "/a/b c/Ü/",
            "Plate9/",
        ] {
            let path = format!("{prefix}HUVEC-01/Plate4/AA02_s2_w6.png");
            assert_eq!(parse_plane_path(&path), Some(expected.clone()), "{path}");
        }
        for end in IMAGE_EXTENSIONS {
            let path = format!("HUVEC-1/Plate04/AA2_s02_w06{end}");
            assert_eq!(parse_plane_path(&path), Some(expected.clone()), "{path}");
        }
    }

    #[test]
    fn plates_may_have_names() {
        for (plate, key) in [
            ("BR00116991", "E/PlateBR00116991/B02_s1"),
            ("0", "E/Plate0/B02_s1"),
            ("99999999999", "E/Plate99999999999/B02_s1"),
        ] {
            let path = format!("E/Plate{plate}/B02_s1_w1.png");
            let plane = parse_plane_path(&path).unwrap();
            assert_eq!(plane.key.to_string(), key);
        }
    }

    #[test]
    fn other_paths_are_refused() {
        for path in [
            "",
            "B02_s1_w1.png",
            "Plate1/B02_s1_w1.png",
            "/Plate1/B02_s1_w1.png",
            "E/plate1/B02_s1_w1.png",
            "E/Plate/B02_s1_w1.png",
            "E/Plate /B02_s1_w1.png",
            "E/Plates/x/B02_s1_w1.png",
            "E/Plate1/Z99_s1_w1.png",
            "E/Plate1/._B02_s1_w1.png",
            "E/Plate1/B02_s0_w1.png",
            "E/Plate1/B02_s1.png",
            "E/Plate1/B02_w1_s1.png",
            "E/Plate1/B02_s1_w1_x.png",
            "E/Plate1/B02_s1_w1.PNG",
            "E/Plate1/B02_s1_w1.TIF",
            "E/Plate1/B02_s1_w1.jpg",
            "E/Plate1/B02_s1_w1.png/",
            "E\\Plate1\\B02_s1_w1.png",
        ] {
            assert_eq!(parse_plane_path(path), None, "{path}");
        }
    }
}
