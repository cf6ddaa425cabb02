//! Locations that contain each other.

use std::fs;
use std::path::{Path, PathBuf};

use crate::location::Location;
use crate::store::StoreError;

/// Returns the two locations, with links resolved, if one is the other or lies within
/// it.
///
/// # Errors
/// [`StoreError`] when a path cannot be resolved.
pub fn overlap(one: &Location, other: &Location) -> Result<Option<[Location; 2]>, StoreError> {
    let (overlaps, resolved) = match (one, other) {
        (Location::Local(one), Location::Local(other)) => {
            let (one, other) = (resolved(one)?, resolved(other)?);
            let overlaps = one.starts_with(&other) || other.starts_with(&one);
            (overlaps, [one.into(), other.into()])
        }
        (Location::Remote(a), Location::Remote(b)) => {
            let overlaps = a.is_within(b) || b.is_within(a);
            (overlaps, [one.clone(), other.clone()])
        }
        _ => return Ok(None),
    };
    Ok(overlaps.then_some(resolved))
}

/// Returns the folders in which a location lies, with links resolved, the nearest first. There
/// is none for an address.
///
/// # Errors
/// [`StoreError`] when the path cannot be resolved.
pub fn folders_above(location: &Location) -> Result<Vec<PathBuf>, StoreError> {
    match location {
        Location::Local(path) => {
            let path = resolved(path)?;
            Ok(path.ancestors().skip(1).map(Path::to_owned).collect())
        }
        Location::Remote(_) => Ok(Vec::new()),
    }
}

/// Returns the real path of `path`. Where it does not exist, the nearest existing
/// folder above it is resolved.
fn resolved(path: &Path) -> Result<PathBuf, StoreError> {
    let failed = |error| StoreError::from_io("find", path.display().to_string(), error);
    let absolute = std::path::absolute(path).map_err(failed)?;
    let existing = absolute.ancestors().find(|ancestor| ancestor.exists());
    let existing = existing.unwrap_or(&absolute);
    let rest = absolute.strip_prefix(existing).unwrap_or(Path::new(""));
    Ok(fs::canonicalize(existing).map_err(failed)?.join(rest))
}
