//! Comparison of Zarr metadata documents with the root.

use std::collections::BTreeMap;

use rxrx_format::keys::ROOT_METADATA;
use rxrx_format::{
    DatasetAttributes, FORMAT_VERSION, GENERATOR, Root, keys, parse_json, remove_switch,
    root_metadata,
};
use serde_json::Value;

use super::finding::{FindingKind, Findings};

/// Compares the metadata document of an array with that in the root.
pub fn check_document(root: &Root, name: &str, key: &str, bytes: &[u8], findings: &Findings) {
    let found: Option<Value> = parse_json(bytes).ok();
    if found.as_ref() != root.arrays.get(name) {
        let text = "it is not what the consolidated metadata in the root says of the array";
        findings.object(FindingKind::Mismatch, key, text);
    }
}

/// Returns the document without the parts that another version of the program may
/// write otherwise.
fn without_attributes(document: &Value) -> Value {
    let mut document = document.clone();
    if let Some(document) = document.as_object_mut() {
        document.remove("attributes");
    }
    document
}

/// Returns whether this version of the program wrote the dataset, so that it would
/// write the same documents.
pub(super) fn is_of_this_program(attributes: &DatasetAttributes) -> bool {
    attributes.generator == GENERATOR && attributes.format_version == FORMAT_VERSION
}

/// Compares the attributes of the root that are made from others, such as `ome`, with what
/// these would give now.
pub(super) fn check_root(root: &Root, findings: &Findings) {
    if !is_of_this_program(&root.attributes) {
        return;
    }
    let expected = match root_metadata(&root.attributes, serde_json::Map::new()) {
        Ok(expected) => expected,
        Err(error) => {
            let text = format!("its attributes cannot be written again: {error}");
            findings.object(FindingKind::Mismatch, ROOT_METADATA, text);
            return;
        }
    };
    let expected = expected.get("attributes").and_then(Value::as_object);
    for (name, expected) in expected.into_iter().flatten() {
        if root.stored_attributes.get(name) != Some(expected) {
            let text = format!("its attribute {name} is not what the other attributes give");
            findings.object(FindingKind::Mismatch, ROOT_METADATA, text);
        }
    }
}

/// Compares the metadata document of an array with the expected one. Returns whether
/// the parts that readers depend on are as expected.
pub(super) fn compare_documents(
    key: &str,
    found: &Value,
    expected: &Value,
    attributes: &DatasetAttributes,
    findings: &Findings,
) -> bool {
    // A dataset that took the place of another one says so, and is the same otherwise.
    let mut found = found.clone();
    remove_switch(&mut found);
    let found = &found;
    // Another version of the program may describe the same array otherwise.
    let same_program = is_of_this_program(attributes);
    let blank = |document: &Value| {
        let attributes = document.get("attributes")?;
        let names = ["blank_value", "_FillValue"];
        Some(names.map(|name| attributes.get(name).cloned()))
    };
    let alike = without_attributes(found) == without_attributes(expected)
        && blank(found) == blank(expected);
    if !alike || (same_program && found != expected) {
        let text = "it does not describe the array of these tables and settings";
        findings.object(FindingKind::Mismatch, key, text);
    }
    alike
}

/// Returns the keys of the metadata document and of the chunk of each label array, by
/// name.
pub fn label_keys(root: &Root) -> BTreeMap<String, [String; 2]> {
    let names = root.labels().map(str::to_owned);
    names
        .map(|name| (name.clone(), keys_of_label(&name)))
        .collect()
}

/// Returns the keys of the metadata document and of the chunk of a label array.
pub(super) fn keys_of_label(name: &str) -> [String; 2] {
    let dimensions = if name == "present" { 2 } else { 1 };
    [
        keys::array_metadata_key(name),
        keys::label_chunk_key(name, dimensions),
    ]
}
