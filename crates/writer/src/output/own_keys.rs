//! The objects at OUTPUT that this program wrote, and may replace or remove.
//!
//! An object is ours if the list of checksums at OUTPUT names it or a plan that was carried
//! out there does. Everything else belongs to somebody else, at any depth. The card is
//! edited by people: it is ours as long as it has the checksum that the root metadata record.

use std::collections::BTreeSet;

use rxrx_format::keys::{
    CARD, CHECKSUMS, OBJECTS, ROOT_METADATA, STORE_CHECKSUMS, array_metadata_key, bytes_at_most,
    label_chunk_key, overview_key, shard_key,
};
use rxrx_format::{Checksums, parse_checksums};
use rxrx_storage::Store;

use super::card::is_edited;
use super::error::OutputError;
use super::recorded_state::Plan;

/// Returns the keys of those objects in `store` that this program wrote, where `plan` was
/// being carried out.
pub(crate) fn own_keys(
    store: &dyn Store,
    plan: Option<&Plan>,
) -> Result<BTreeSet<String>, OutputError> {
    let mut ours = plan.map_or_else(BTreeSet::new, planned_keys);
    let listed = recorded_checksums(store)?;
    let has_edited_card = is_edited(store, &listed)?;
    ours.extend(listed.into_keys());
    match has_edited_card {
        true => ours.remove(CARD),
        false => ours.insert(CARD.to_owned()),
    };
    ours.extend([ROOT_METADATA, CHECKSUMS, STORE_CHECKSUMS].map(str::to_owned));
    let there = store.list()?.into_iter().map(|object| object.key);
    Ok(there.filter(|key| ours.contains(key)).collect())
}

/// Reads the list of checksums in `store`; an absent or damaged one is empty.
pub(super) fn recorded_checksums(store: &dyn Store) -> Result<Checksums, OutputError> {
    let list = store.get_at_most(CHECKSUMS, bytes_at_most(CHECKSUMS))?;
    let list = list.unwrap_or_default();
    let list = std::str::from_utf8(&list).ok();
    let recorded = list.and_then(|list| parse_checksums(list).ok());
    Ok(recorded.unwrap_or_default())
}

/// Returns the keys that a plan names.
pub(super) fn planned_keys(plan: &Plan) -> BTreeSet<String> {
    let (units, labels) = match plan {
        Plan::Convert(run) => (run.units, &run.labels),
        Plan::Publish { units, labels, .. } => (*units, labels),
    };
    let objects = OBJECTS.iter().map(|object| object.key.to_owned());
    let shards = (0..units).flat_map(|unit| [shard_key(unit), overview_key(unit)]);
    let labels = labels.iter().flat_map(|name| {
        [
            array_metadata_key(name),
            label_chunk_key(name, 1),
            label_chunk_key(name, 2),
        ]
    });
    objects.chain(shards).chain(labels).collect()
}
