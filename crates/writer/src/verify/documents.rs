//! Zarr metadata documents, against the root.

use std::collections::BTreeMap;

use rxrx_format::{Root, keys};
use serde_json::Value;

use super::finding::{FindingKind, Findings};

/// Compares the metadata document of an array with that in the root.
pub(super) fn check_document(
    root: &Root,
    name: &str,
    key: &str,
    bytes: &[u8],
    findings: &Findings,
) {
    let found: Option<Value> = serde_json::from_slice(bytes).ok();
    if found.as_ref() != root.arrays.get(name) {
        let text = "it is not what the consolidated metadata in the root says of the array";
        findings.object(FindingKind::Mismatch, key, text);
    }
}

/// The document without what later versions of the program may say otherwise.
pub(super) fn without_attributes(document: &Value) -> Value {
    let mut document = document.clone();
    if let Some(document) = document.as_object_mut() {
        document.remove("attributes");
    }
    document
}

/// Keys of the metadata document and of the chunk of each label array, by name.
pub(super) fn label_keys(root: &Root) -> BTreeMap<String, [String; 2]> {
    let names = root.labels().map(str::to_owned);
    names
        .map(|name| (name.clone(), keys_of_label(&name)))
        .collect()
}

/// Keys of the metadata document and of the chunk of a label array.
pub(super) fn keys_of_label(name: &str) -> [String; 2] {
    let dimensions = if name == "present" { 2 } else { 1 };
    [
        keys::array_metadata_key(name),
        keys::label_chunk_key(name, dimensions),
    ]
}
