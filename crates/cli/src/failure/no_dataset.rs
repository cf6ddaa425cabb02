//! What lies at an address that is no dataset.

use std::fs;
use std::path::Path;

use rxrx_writer::{DatasetError, Location};

/// A folder that is no dataset, with what it seems to be.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoDataset {
    #[error("there is nothing at {0}")]
    Nothing(Location),
    #[error("{0} is a file: a dataset is a folder that convert has made")]
    File(Location),
    #[error("{inner} is the array inside a dataset: give {dataset}")]
    Inner { inner: Location, dataset: String },
    #[error(
        "{0} holds images to convert, and no dataset: rxrx2zarr plan {0} shows what would be \
         converted"
    )]
    Images(Location),
    #[error(
        "{location} is not a whole dataset: it has {found}, and no images.zarr/zarr.json, which a \
         copy needs last: copy it again, then run rxrx2zarr verify"
    )]
    Copy {
        location: Location,
        found: &'static str,
    },
    #[error("{0} is empty")]
    Empty(Location),
}

/// Objects of a dataset beside the root metadata, and of nothing else.
const OBJECTS: [&str; 4] = [
    "images.zarr/images/zarr.json",
    "metadata.parquet",
    "planes.parquet",
    "SHA256SUMS",
];
/// How deep images lie below an INPUT: images/EXPERIMENT/PLATE.
const DEPTH: usize = 4;

/// Returns what is at `location`, which is not a dataset; `error` where nobody can tell.
pub(crate) fn no_dataset(location: &Location, error: DatasetError) -> anyhow::Error {
    if !matches!(error, DatasetError::NotSealed { .. }) {
        return error.into();
    }
    match location.as_path().and_then(|path| look(path, location)) {
        Some(found) => found.into(),
        None => error.into(),
    }
}

fn look(path: &Path, location: &Location) -> Option<NoDataset> {
    let location = location.clone();
    if path.symlink_metadata().is_err() {
        return Some(NoDataset::Nothing(location));
    }
    if !path.is_dir() {
        return Some(NoDataset::File(location));
    }
    let parent = fs::canonicalize(path).ok()?;
    let mut above = parent.ancestors().skip(1).take(2);
    if let Some(dataset) = above.find(|above| above.join("images.zarr/zarr.json").is_file()) {
        return Some(NoDataset::Inner {
            inner: location,
            dataset: dataset.display().to_string(),
        });
    }
    if let Some(found) = OBJECTS
        .into_iter()
        .find(|object| path.join(object).exists())
    {
        return Some(NoDataset::Copy { location, found });
    }
    if has_image(path, DEPTH) {
        return Some(NoDataset::Images(location));
    }
    let is_empty = fs::read_dir(path).ok()?.next().is_none();
    is_empty.then_some(NoDataset::Empty(location))
}

/// Whether the first folders below `folder` hold an image.
fn has_image(folder: &Path, depth: usize) -> bool {
    const IMAGES: [&str; 6] = ["png", "tif", "tiff", "jp2", "tar", "zip"];
    let Ok(entries) = fs::read_dir(folder) else {
        return false;
    };
    // A few tell it, and a folder may have a million.
    let paths: Vec<_> = entries
        .flatten()
        .take(64)
        .map(|entry| entry.path())
        .collect();
    let is_image = |path: &Path| {
        let extension = path.extension().map(|ending| ending.to_ascii_lowercase());
        extension.is_some_and(|ending| IMAGES.iter().any(|image| ending == *image))
    };
    let mut folders = paths.iter().filter(|path| depth > 0 && path.is_dir());
    paths.iter().any(|path| is_image(path)) || folders.any(|path| has_image(path, depth - 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_what_is_there_in_place_of_a_dataset() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| {
            let location = Location::Local(folder.path().join(name));
            look(&folder.path().join(name), &location).map(|found| found.to_string())
        };
        let make = |name: &str| {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        };
        make("tree/images/HUVEC-01/Plate1/B02_s1_w1.png");
        make("whole/images.zarr/zarr.json");
        make("copy/metadata.parquet");
        make("notes/readme.txt");
        fs::create_dir(folder.path().join("empty")).unwrap();
        for (name, said) in [
            ("nowhere", "there is nothing at"),
            ("notes/readme.txt", "is a file"),
            ("tree", "rxrx2zarr plan"),
            ("whole/images.zarr", "is the array inside a dataset"),
            (
                "copy",
                "it has metadata.parquet, and no images.zarr/zarr.json",
            ),
            ("empty", "is empty"),
        ] {
            let text = at(name).unwrap();
            assert!(text.contains(said), "{name}: {text}");
        }
        assert_eq!(at("notes"), None);
    }
}
