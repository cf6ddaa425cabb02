//! Which images and tables an input holds.

mod listing;
#[cfg(test)]
mod tests;
mod walk;

use std::io;
use std::path::{Path, PathBuf};

pub use listing::{ImageFile, Listing};
use thiserror::Error;

/// Why an input cannot be listed, or its table not be chosen.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DiscoverError {
    /// A folder cannot be read.
    #[error("cannot list the folder {}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// A file or link cannot be looked at; most often the link leads nowhere.
    #[error("cannot find out what {} is; repair or remove it", path.display())]
    Entry {
        /// The file or link.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// Links lead along more paths than can be followed.
    #[error(
        "{} holds more than {limit} folders behind symbolic links: do the links lead to each other? Remove them",
        path.display()
    )]
    TooManyLinks {
        /// The input.
        path: PathBuf,
        /// Most folders behind links.
        limit: usize,
    },
    /// The input is a file.
    #[error("{} is not a folder", path.display())]
    NotAFolder {
        /// The input.
        path: PathBuf,
    },
    /// No table was found.
    #[error(
        "no metadata.csv, metadata.csv.gz or *metadata*.zip in {input}; use --metadata to say where the table is"
    )]
    NoMetadata {
        /// The input.
        input: String,
    },
    /// Several tables would do.
    #[error("{input} holds several tables: {}; use --metadata to choose one", found.join(", "))]
    SeveralMetadata {
        /// The input.
        input: String,
        /// Their paths inside the input.
        found: Vec<String>,
    },
}

/// Lists a folder and everything below it, on several threads.
///
/// Symbolic links are followed, except to a folder that holds the link. The
/// result is in the order of the paths, however the threads ran.
///
/// Whatever is named as an image is listed as one: a folder, a pipe, a link that
/// leads nowhere. Reading it fails, which is not the same as a missing image.
///
/// # Errors
/// `root` is not a folder, a folder below it cannot be read, a link that is not
/// named as an image leads nowhere, or links lead to each other endlessly. Names
/// that are not UTF-8 are no error but counted.
pub fn list_folder(root: &Path) -> Result<Listing, DiscoverError> {
    let tree = walk::walk(root)?;
    let mut listing = Listing::from_paths(tree.files);
    listing.unreadable_names = tree.unreadable_names;
    Ok(listing)
}

/// The path of the table that belongs to the images of `listing`: the one
/// nearest to the root, and in one folder `metadata.csv` before
/// `metadata.csv.gz` before a zip. Errors call what was listed `input`.
///
/// # Errors
/// There is none, or several are equally good.
pub fn find_metadata<'a>(input: &str, listing: &'a Listing) -> Result<&'a str, DiscoverError> {
    let rank = |path: &str| {
        let kind = match path {
            _ if path.ends_with(".csv") => 0,
            _ if path.ends_with(".gz") => 1,
            _ => 2,
        };
        (path.matches('/').count(), kind)
    };
    let candidates = &listing.metadata_candidates;
    let best = candidates.iter().map(|path| rank(path)).min();
    let found: Vec<&String> = candidates
        .iter()
        .filter(|path| Some(rank(path)) == best)
        .collect();
    match found.as_slice() {
        [] => Err(DiscoverError::NoMetadata {
            input: input.to_owned(),
        }),
        [path] => Ok(path),
        _ => Err(DiscoverError::SeveralMetadata {
            input: input.to_owned(),
            found: found.into_iter().cloned().collect(),
        }),
    }
}
