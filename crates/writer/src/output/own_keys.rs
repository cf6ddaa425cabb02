//! The objects at OUTPUT that this program wrote, and may remove.
//!
//! An object is ours if the list of checksums at OUTPUT names it or the plan of the
//! unfinished run does. Everything else belongs to somebody else, at any depth. The card
//! is edited by people: it is ours as long as it has the recorded checksum.

use std::collections::BTreeSet;

use rxrx_format::keys::{
    CARD, CHECKSUMS, OBJECTS, ROOT_METADATA, STORE_CHECKSUMS, array_metadata_key, label_chunk_key,
    shard_key,
};
use rxrx_format::parse_checksums;
use rxrx_storage::Store;
use sha2::{Digest, Sha256};

use super::error::OutputError;
use crate::journal::{Journal, JournalError, Run};

/// Returns the keys of those objects in `store` that this program wrote, the list of
/// checksums last. `journal` is the one beside them.
pub(crate) fn own_keys(
    store: &dyn Store,
    journal: &Journal<'_>,
) -> Result<Vec<String>, OutputError> {
    let mut ours = match journal.run() {
        Ok(run) => run.map_or_else(BTreeSet::new, planned_keys),
        // A run that was never described well has no plan.
        Err(JournalError::Damaged { .. }) => BTreeSet::new(),
        Err(error) => return Err(error.into()),
    };
    ours.remove(CARD);
    let list = store.get(CHECKSUMS)?.unwrap_or_default();
    let list = std::str::from_utf8(&list).ok();
    let recorded = list.and_then(|list| parse_checksums(list).ok());
    for (key, checksum) in recorded.unwrap_or_default() {
        let is_ours = key != CARD
            || store
                .get(CARD)?
                .is_none_or(|card| Sha256::digest(card)[..] == checksum);
        if is_ours {
            ours.insert(key);
        }
    }
    ours.extend([ROOT_METADATA, STORE_CHECKSUMS].map(str::to_owned));
    // As long as something is left, the list says what is ours.
    ours.remove(CHECKSUMS);
    let there = store.list()?.into_iter().map(|object| object.key);
    let is_last = |key: &String| key == CHECKSUMS;
    let (last, others): (Vec<_>, Vec<_>) = there
        .filter(|key| is_last(key) || ours.contains(key))
        .partition(is_last);
    Ok(others.into_iter().chain(last).collect())
}

/// Returns the keys that the plan of a run names, and those that it was about to remove.
fn planned_keys(run: Run) -> BTreeSet<String> {
    let objects = OBJECTS.iter().map(|object| object.key.to_owned());
    let shards = (0..run.units).map(shard_key);
    let labels = run.labels.iter().flat_map(|name| {
        [
            array_metadata_key(name),
            label_chunk_key(name, 1),
            label_chunk_key(name, 2),
        ]
    });
    objects
        .chain(shards)
        .chain(labels)
        .chain(run.remove)
        .collect()
}
