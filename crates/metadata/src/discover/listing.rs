use std::collections::HashMap;

use crate::path::PathParts;
use crate::{ExperimentName, PlanePath};

/// The files of an input, sorted by path.
#[derive(Clone, Debug, Default)]
pub struct Listing {
    /// Files named as an image of a plane, or what lies in place of one.
    pub images: Vec<ImageFile>,
    /// Other PNG files.
    pub unrecognised: Vec<String>,
    /// Number of files that are neither PNG files nor tables.
    pub other_files: usize,
    /// Files named as the table is: `metadata.csv`, `metadata.csv.gz`,
    /// `*metadata*.zip`.
    pub metadata_candidates: Vec<String>,
    /// Files and folders whose name is not UTF-8, as far as it can be shown.
    pub unreadable_names: Vec<String>,
    /// Files of an archive whose name would lead out of the folder that it is
    /// unpacked to.
    pub unsafe_names: Vec<String>,
}

/// A file named as an image of a plane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageFile {
    /// Path inside the input, `/` between components.
    pub path: Box<str>,
    /// What the path says.
    pub plane: PlanePath,
}

impl Listing {
    /// Sorts files by what their paths say. Looks at nothing but the paths, so
    /// it serves folders, archives and object stores alike.
    pub fn from_paths(paths: impl IntoIterator<Item = Box<str>>) -> Self {
        let mut paths: Vec<Box<str>> = paths.into_iter().collect();
        paths.sort(); // stable: quick on the sorted runs that folders come in
        let mut listing = Self::default();
        let mut names = Names::default();
        for path in paths {
            if let Some(parts) = PathParts::parse(&path) {
                let plane = parts.with_experiment(names.shared(parts.experiment));
                listing.images.push(ImageFile { path, plane });
            } else if has_extension(&path, ".png") {
                listing.unrecognised.push(path.into());
            } else if is_metadata(&path) {
                listing.metadata_candidates.push(path.into());
            } else {
                listing.other_files += 1;
            }
        }
        listing.images.shrink_to_fit();
        listing
    }
}

/// One name a folder, not one an image.
#[derive(Default)]
struct Names {
    known: HashMap<String, ExperimentName>,
    last: Option<(String, ExperimentName)>,
}

impl Names {
    fn shared(&mut self, raw: &str) -> ExperimentName {
        if let Some((last, name)) = &self.last
            && last == raw
        {
            return name.clone();
        }
        let name = self
            .known
            .entry(raw.to_owned())
            .or_insert_with(|| ExperimentName::new(raw))
            .clone();
        self.last = Some((raw.to_owned(), name.clone()));
        name
    }
}

fn is_metadata(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    matches!(name, "metadata.csv" | "metadata.csv.gz")
        || (name.contains("metadata") && has_extension(name, ".zip") && !name.starts_with("._"))
}

fn has_extension(path: &str, extension: &str) -> bool {
    let at = path.len().saturating_sub(extension.len());
    path.get(at..)
        .is_some_and(|end| end.eq_ignore_ascii_case(extension))
}
