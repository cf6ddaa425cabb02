//! The files of an input by kind.

use std::collections::{BTreeMap, HashMap};

use super::others::OtherFiles;
use super::parts::PlaneParts;
use crate::path::{IMAGE_EXTENSIONS, PathParts, PlanePath};
use crate::plate::Plate;
use crate::problem::Problems;
use crate::site::ExperimentName;

/// The files of an input, sorted by path.
#[derive(Clone, Debug, Default)]
pub struct Listing {
    /// Files, and anything else, named as the image of a plane.
    pub images: Vec<ImageFile>,
    /// Other image files: PNG, TIFF and JPEG 2000.
    pub unrecognised: Vec<String>,
    /// Files named as a metadata table: `metadata.csv`, `metadata.csv.gz`,
    /// `*metadata*.zip`, `metadata_*.csv` and `metadata_*.csv.gz`.
    pub metadata_candidates: Vec<String>,
    /// Files named as the tables of RxRx1's Kaggle form: `train.csv`, `test.csv` and
    /// `*_controls.csv`.
    pub well_tables: Vec<String>,
    /// Tar files.
    pub tars: Vec<String>,
    /// Parquet files, which may hold images.
    pub parquets: Vec<String>,
    /// Files of other kinds, counted.
    pub others: OtherFiles,
    /// Files and folders whose name is not UTF-8; invalid bytes are replaced.
    pub unreadable_names: Vec<String>,
    /// Files of an archive whose name would lead out of the folder to which the
    /// archive is unpacked.
    pub unsafe_names: Vec<String>,
    /// The names of the channels by their number from 1; empty if they are `w1`, `w2`, ….
    pub(crate) channel_names: Vec<String>,
    /// How the planes lie in the files, where not each file is a plane.
    pub parts: PlaneParts,
    /// The depths that stacks lack, by the paths of the stacks.
    pub(crate) short_stacks: BTreeMap<Box<str>, Vec<u32>>,
    /// Notices about the names: images that are not of the chosen channels, depth and time.
    pub(crate) notices: Problems,
    /// Whether the names do not say which plate an image is of.
    pub(crate) lacks_plates: bool,
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
        let mut listing = Self::default();
        let mut names = Shared::new(ExperimentName::new);
        let mut plates = Shared::new(Plate::of_path);
        for path in paths {
            if let Some(parts) = PathParts::parse(&path) {
                let experiment = names.shared(parts.experiment);
                let plane = parts.with_names(experiment, plates.shared(parts.plate));
                listing.images.push(ImageFile { path, plane });
            } else if IMAGE_EXTENSIONS.iter().any(|end| has_extension(&path, end)) {
                listing.unrecognised.push(path.into());
            } else if is_metadata(&path) {
                listing.metadata_candidates.push(path.into());
            } else if is_well_table(&path) {
                listing.well_tables.push(path.into());
            } else if has_extension(&path, ".tar") {
                listing.tars.push(path.into());
            } else if has_extension(&path, ".parquet") {
                listing.parquets.push(path.into());
            } else {
                listing.others.add(&path);
            }
        }
        listing.images.shrink_to_fit();
        listing
    }

    /// The paths of all files that may be images.
    pub(crate) fn image_paths(&self) -> impl Iterator<Item = &str> + Clone {
        let images = self.images.iter().map(|image| &*image.path);
        images.chain(self.unrecognised.iter().map(String::as_str))
    }

    /// Adds the files of another listing. [`Self::sort`] must follow.
    pub fn extend(&mut self, more: Self) {
        self.images.extend(more.images);
        self.others.extend(more.others);
        for (all, more) in [
            (&mut self.unrecognised, more.unrecognised),
            (&mut self.metadata_candidates, more.metadata_candidates),
            (&mut self.well_tables, more.well_tables),
            (&mut self.tars, more.tars),
            (&mut self.parquets, more.parquets),
            (&mut self.unreadable_names, more.unreadable_names),
            (&mut self.unsafe_names, more.unsafe_names),
        ] {
            all.extend(more);
        }
    }

    /// Sorts all files by path.
    pub fn sort(&mut self) {
        self.images.sort_by(|a, b| a.path.cmp(&b.path));
        for all in [
            &mut self.unrecognised,
            &mut self.metadata_candidates,
            &mut self.well_tables,
            &mut self.tars,
            &mut self.parquets,
            &mut self.unreadable_names,
            &mut self.unsafe_names,
        ] {
            all.sort();
        }
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
        || is_published_table(path)
        || (name.contains("metadata") && has_extension(name, ".zip") && !name.starts_with("._"))
}

/// Whether a file is named as the tables of RxRx3 are: `metadata_rxrx3.csv`.
pub(super) fn is_published_table(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.starts_with("metadata_") && [".csv", ".csv.gz"].iter().any(|end| name.ends_with(end))
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
pub(super) fn has_extension(path: &str, extension: &str) -> bool {
    let at = path.len().saturating_sub(extension.len());
    path.get(at..)
        .is_some_and(|end| end.eq_ignore_ascii_case(extension))
}
