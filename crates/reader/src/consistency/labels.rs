//! Comparison of the label arrays with the tables.

use std::collections::BTreeMap;

use bytes::Bytes;
use rxrx_format::keys::{IMAGES, OVERVIEW, ROOT_METADATA, SITES};
use rxrx_format::{Column, Label, PlaneRow, Root, label_values, labels as format_labels};

use super::documents::{compare_documents, keys_of_label};
use super::finding::{Finding, FindingKind, Findings, SiteSpan};
use super::tables::Tables;

/// Compares every label array with the tables.
pub(super) fn check_labels(
    tables: &Tables,
    root: &Root,
    objects: &BTreeMap<String, Bytes>,
    findings: &Findings,
) {
    let columns: &[Column] = tables.sites.as_ref().map_or(&[], |sites| &sites.columns);
    let planes = tables.planes.iter().flatten();
    let present = planes.map(PlaneRow::is_ok).collect();
    let labels = match format_labels(columns, present, &root.attributes) {
        Ok(labels) => labels,
        // Nothing to compare with: said of the tables already.
        Err(_) if tables.sites.is_none() || tables.planes.is_none() => return,
        Err(error) => {
            return findings.object(FindingKind::Mismatch, ROOT_METADATA, error.to_string());
        }
    };
    let mut unexpected: Vec<&String> = root.arrays.keys().collect();
    unexpected.retain(|name| ![IMAGES, OVERVIEW].contains(&name.as_str()));
    for label in &labels {
        unexpected.retain(|name| **name != label.name);
        let needs_planes = label.name == "present";
        let of_channels = label.dimensions().eq(["channel"]);
        if (needs_planes && tables.planes.is_none()) || (!of_channels && tables.sites.is_none()) {
            continue;
        }
        check_label(tables, label, root, objects, findings);
    }
    for name in unexpected.into_iter().filter(|_| tables.sites.is_some()) {
        let text = format!("it has an array {name:?} that is no column of {SITES}");
        findings.object(FindingKind::Mismatch, ROOT_METADATA, text);
    }
}

fn check_label(
    tables: &Tables,
    label: &Label,
    root: &Root,
    objects: &BTreeMap<String, Bytes>,
    findings: &Findings,
) {
    let [document_key, chunk_key] = keys_of_label(&label.name);
    let Some(document) = root.arrays.get(&label.name) else {
        let text = format!("it has no array {:?}", label.name);
        return findings.object(FindingKind::Mismatch, ROOT_METADATA, text);
    };
    if !compare_documents(
        &document_key,
        document,
        &label.metadata,
        &root.attributes,
        findings,
    ) {
        return;
    }
    let Some(chunk) = objects.get(&chunk_key).cloned() else {
        return;
    };
    if chunk == label.chunk {
        return;
    }
    let mismatch = |sites: Option<SiteSpan>, channel: Option<String>, text: String| {
        findings.add(Finding {
            object: chunk_key.clone(),
            sites,
            channel,
            kind: FindingKind::Mismatch,
            text,
        });
    };
    let expected = label_values(label, &label.metadata, &label.chunk);
    let values = label_values(label, document, &chunk).zip(expected);
    let Some((found, expected)) = values else {
        let text = "it does not decode to the values of the label".to_owned();
        return mismatch(None, None, text);
    };
    let channels = root.geometry.channels;
    for (position, (found, expected)) in found.iter().zip(&expected).enumerate() {
        if found == expected {
            continue;
        }
        let (site, channel) = match label.name.as_str() {
            "present" => (Some(position / channels), Some(position % channels)),
            _ if label.dimensions().eq(["channel"]) => (None, Some(position)),
            _ => (Some(position), None),
        };
        mismatch(
            site.map(|site| tables.span(site..site + 1)),
            channel.and_then(|channel| root.channels.get(channel).cloned()),
            format!("{} is {found}, the tables say {expected}", label.name),
        );
    }
}
