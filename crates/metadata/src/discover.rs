//! Images and tables of an input.

pub(crate) mod error;
pub(crate) mod listing;
pub(crate) mod others;
pub(crate) mod parts;
#[cfg(test)]
mod tests;
mod walk;

use std::path::Path;

use self::error::DiscoverError;
use self::listing::{Listing, is_published_table};

/// Lists a folder and everything below it, on several threads.
///
/// Symbolic links are followed, except to a folder that holds the link. The
/// result is in the order of the paths, however the threads ran.
///
/// Everything that is named as an image is listed as one, even a folder, a pipe or
/// a broken link. Reading it fails, so that it counts as a bad image and not as a
/// missing one.
///
/// # Errors
/// `root` is not a folder, a folder below it cannot be read, a link that is not
/// named as an image is broken, or links lead to each other endlessly. Names
/// that are not UTF-8 are listed and cause no error.
pub fn list_folder(root: &Path) -> Result<Listing, DiscoverError> {
    let tree = walk::walk(root)?;
    let mut listing = Listing::from_paths(tree.files);
    listing.unreadable_names = tree.unreadable_names;
    Ok(listing)
}

/// Returns the tables of RxRx1's Kaggle form that lie together nearest to the root, if
/// there is a `train.csv` or a `test.csv` among them.
pub fn find_well_tables(listing: &Listing) -> Vec<&str> {
    let tables = listing.well_tables.iter().map(String::as_str);
    let folder = |path: &str| {
        path.rsplit_once('/')
            .map_or(String::new(), |(at, _)| at.to_owned())
    };
    let mains = tables
        .clone()
        .filter(|path| !path.ends_with("_controls.csv"));
    let nearest = mains
        .map(folder)
        .min_by_key(|at| (at.matches('/').count(), at.clone()));
    match nearest {
        Some(nearest) => tables.filter(|path| folder(path) == nearest).collect(),
        None => Vec::new(),
    }
}

/// Chooses the table that belongs to the images of `listing`: the one nearest to
/// the root, and in one folder `metadata.csv` before `metadata.csv.gz` before a
/// zip; `metadata_*.csv` only if there is none of these. `input` stands for the input in errors.
///
/// # Errors
/// There is no table, or several are equally suitable.
pub fn find_metadata<'a>(input: &str, listing: &'a Listing) -> Result<&'a str, DiscoverError> {
    let rank = |path: &str| {
        let kind = match path {
            _ if path.ends_with(".csv") => 0,
            _ if path.ends_with(".gz") => 1,
            _ => 2,
        };
        // A name that says more comes last, wherever it is.
        (is_published_table(path), path.matches('/').count(), kind)
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
