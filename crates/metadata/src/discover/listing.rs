//! The files of an input by kind.

use std::collections::HashMap;

use crate::path::{IMAGE_EXTENSIONS, PathParts, PlanePath};
use crate::plate::Plate;
use crate::site::ExperimentName;

/// The files of an input, sorted by path.
#[derive(Clone, Debug, Default)]
pub struct Listing {
    /// Files, and anything else, named as the image of a plane.
    pub images: Vec<ImageFile>,
    /// Other PNG files.
    pub unrecognised: Vec<String>,
    /// Files of other kinds that may be images, by the end of their name.
    pub other_images: Vec<String>,
    /// Files named as a metadata table: `metadata.csv`, `metadata.csv.gz`,
    /// `*metadata*.zip`.
    pub metadata_candidates: Vec<String>,
    /// Files named as the tables of RxRx1's Kaggle form: `train.csv`, `test.csv` and
    /// `*_controls.csv`.
    pub well_tables: Vec<String>,
    /// Files and folders whose name is not UTF-8; invalid bytes are replaced.
    pub unreadable_names: Vec<String>,
    /// Files of an archive whose name would lead out of the folder to which the
    /// archive is unpacked.
    pub unsafe_names: Vec<String>,
    /// The names of the channels by their number from 1; empty if they are `w1`, `w2`, ….
    pub(crate) channel_names: Vec<String>,
    /// Images that fit the pattern and are not of the chosen channels, depth and time.
    pub(crate) left_out: usize,
    /// Whether the names say which plate an image is of.
    pub(crate) has_plates: bool,
    /// The experiment of all images, if the names do not say it.
    pub(crate) experiment: Option<String>,
    /// Whether the names were read by a pattern of the user.
    pub(crate) is_by_pattern: bool,
}

/// A file named as an image of a plane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageFile {
    /// Path inside the input, `/` between components.
    pub path: Box<str>,
    /// The plane that the path names.
    pub plane: PlanePath,
}

impl Listing {
    /// Sorts paths into kinds. Only the paths are read, so that folders, archives
    /// and object stores are treated alike.
    pub fn from_paths(paths: impl IntoIterator<Item = Box<str>>) -> Self {
        let mut paths: Vec<Box<str>> = paths.into_iter().collect();
        paths.sort(); // A stable sort is fast here: the files of a folder come sorted.
        let mut listing = Self {
            has_plates: true,
            ..Self::default()
        };
        let mut names = Shared::new(ExperimentName::new);
        let mut plates = Shared::new(Plate::of_path);
        for path in paths {
            if let Some(parts) = PathParts::parse(&path) {
                let experiment = names.shared(parts.experiment);
                let plane = parts.with_names(experiment, plates.shared(parts.plate));
                listing.images.push(ImageFile { path, plane });
            } else if has_extension(&path, ".png") {
                listing.unrecognised.push(path.into());
            } else if IMAGE_EXTENSIONS.iter().any(|end| has_extension(&path, end)) {
                listing.other_images.push(path.into());
            } else if is_metadata(&path) {
                listing.metadata_candidates.push(path.into());
            } else if is_well_table(&path) {
                listing.well_tables.push(path.into());
            }
        }
        listing.images.shrink_to_fit();
        listing
    }

    /// The paths of all files that may be images.
    pub(crate) fn image_paths(&self) -> impl Iterator<Item = &str> + Clone {
        let images = self.images.iter().map(|image| &*image.path);
        let others = self.unrecognised.iter().chain(&self.other_images);
        images.chain(others.map(String::as_str))
    }
}

/// Names that are made of texts, each allocated once and shared by images.
pub(crate) struct Shared<T> {
    make: fn(&str) -> T,
    known: HashMap<String, T>,
    /// The latest text, and what was made of it.
    last: Option<(String, T)>,
}

impl<T: Clone> Shared<T> {
    pub(crate) fn new(make: fn(&str) -> T) -> Self {
        Self {
            make,
            known: HashMap::new(),
            last: None,
        }
    }

    /// Returns what is made of `raw`.
    pub(crate) fn shared(&mut self, raw: &str) -> T {
        if let Some((last, name)) = &self.last
            && last == raw
        {
            return name.clone();
        }
        let name = self
            .known
            .entry(raw.to_owned())
            .or_insert_with(|| (self.make)(raw))
            .clone();
        self.last = Some((raw.to_owned(), name.clone()));
        name
    }
}

/// Whether a file is named as a metadata table.
fn is_metadata(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    matches!(name, "metadata.csv" | "metadata.csv.gz")
        || (name.contains("metadata") && has_extension(name, ".zip") && !name.starts_with("._"))
}

/// Whether a file is named as a table of RxRx1's Kaggle form.
fn is_well_table(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    matches!(
        name,
        "train.csv" | "test.csv" | "train_controls.csv" | "test_controls.csv"
    )
}

/// Whether a path ends in `extension`, in upper or lower case.
fn has_extension(path: &str, extension: &str) -> bool {
    let at = path.len().saturating_sub(extension.len());
    path.get(at..)
        .is_some_and(|end| end.eq_ignore_ascii_case(extension))
}
