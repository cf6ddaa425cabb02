//! Objects that should exist and do not.

use std::collections::BTreeSet;

use rxrx_format::Root;
use rxrx_format::keys::{CHECKSUMS, ROOT_METADATA, overview_key, shard_key};
use rxrx_reader::consistency::{Finding, FindingKind, Findings, Tables, label_keys};

use super::opened::OpenedDataset;

/// Missing shards, and missing overviews, that are reported by key. More than these are only counted.
const MISSING_NAMED: usize = 10_000;

/// Reports the objects that `SHA256SUMS` lists, or that a dataset with this root
/// has, and that do not exist.
pub(super) fn report_missing(opened: &OpenedDataset, tables: &Tables, findings: &Findings) {
    let mut missing = BTreeSet::new();
    for key in opened.checksums.missing(|key| opened.has(key)) {
        opened.checksums.accept(&key);
        missing.insert(key);
    }
    let mut not_named = 0;
    if let Some(root) = &opened.root {
        missing.extend(missing_small_objects(opened, root));
        let (shards, more) = missing_of_units(opened, root, shard_key, Root::shard);
        missing.extend(shards);
        not_named = more;
        if root.has_overview() {
            let (overviews, more) = missing_of_units(opened, root, overview_key, Root::overview);
            missing.extend(overviews);
            not_named += more;
        }
    }
    for key in missing {
        let sites = opened.root.as_ref().and_then(|root| {
            let unit = root.geometry.unit(root.unit_of(&key)?);
            Some(tables.span(unit.sites))
        });
        findings.add(Finding {
            object: key,
            sites,
            channel: None,
            kind: FindingKind::Missing,
            text: "it is not there".to_owned(),
        });
    }
    if not_named > 0 {
        findings.add_uncounted(FindingKind::Missing, not_named);
    }
}

/// Returns the keys of the labels, tables and documents that do not exist.
fn missing_small_objects(opened: &OpenedDataset, root: &Root) -> Vec<String> {
    let labels = label_keys(root).into_values().flatten();
    let objects = root.objects().map(|object| object.key);
    let objects = objects.filter(|key| ![CHECKSUMS, ROOT_METADATA].contains(key));
    labels
        .chain(objects.map(str::to_owned))
        .filter(|key| !opened.has(key))
        .collect()
}

/// Returns the first keys of units (shards, or overviews) that do not exist, and how many more
/// there are.
fn missing_of_units(
    opened: &OpenedDataset,
    root: &Root,
    key: impl Fn(usize) -> String,
    number: impl Fn(&Root, &str) -> Option<usize>,
) -> (Vec<String>, usize) {
    let keys = opened.sizes.keys();
    let existing = keys.filter(|key| number(root, key).is_some()).count();
    let absent = root.geometry.shards() - existing;
    let named = absent.min(MISSING_NAMED);
    let keys = (0..root.geometry.shards()).map(key);
    let keys = keys.filter(|key| !opened.has(key));
    (keys.take(named).collect(), absent - named)
}
