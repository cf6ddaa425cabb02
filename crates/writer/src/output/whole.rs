//! Whether all objects of a list of checksums are there.

use std::collections::BTreeSet;

use rxrx_format::Checksums;
use rxrx_format::keys::{CHECKSUMS, ROOT_METADATA, bytes_at_most, is_array_metadata};
use rxrx_storage::{Store, StoreError};
use sha2::{Digest, Sha256};

/// The first object that is not as it should be, and what is wrong with it.
pub(super) type Problem = Option<(String, &'static str)>;

/// Demands that every object of `checksums` is in `store` or, but for metadata, in `kept`.
/// Compares the checksums of Zarr metadata.
pub(super) fn first_problem(
    checksums: &Checksums,
    store: &dyn Store,
    kept: Option<&dyn Store>,
) -> Result<Problem, StoreError> {
    if !checksums.contains_key(ROOT_METADATA) {
        return Ok(Some((CHECKSUMS.to_owned(), "is missing or damaged")));
    }
    let keys = |store: &dyn Store| -> Result<BTreeSet<String>, StoreError> {
        Ok(store.list()?.into_iter().map(|object| object.key).collect())
    };
    let there = keys(store)?;
    let kept = kept.map(keys).transpose()?.unwrap_or_default();
    for (key, sha256) in checksums {
        if is_metadata(key) {
            let bytes = store.get_at_most(key, bytes_at_most(key))?;
            let problem = match bytes {
                None => "is missing",
                Some(bytes) if Sha256::digest(&bytes)[..] != *sha256 => "is damaged",
                Some(_) => continue,
            };
            return Ok(Some((key.clone(), problem)));
        }
        if !there.contains(key) && !kept.contains(key) {
            return Ok(Some((key.clone(), "is missing")));
        }
    }
    Ok(None)
}

/// Whether the object with that key is Zarr metadata.
pub(super) fn is_metadata(key: &str) -> bool {
    key == ROOT_METADATA || is_array_metadata(key)
}
