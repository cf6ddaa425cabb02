//! Tables, labels and attributes, against one another.

use std::fmt::Debug;
use std::sync::Arc;

use rxrx_format::keys::{IMAGES, IMAGES_METADATA, PLANES, ROOT_METADATA, SITES, shard_key};
use rxrx_format::{
    GENERATOR, Label, PlaneCounts, PlaneRow, Root, SitesTable, array_metadata, key_value_metadata,
    labels, planes_of, sites_of,
};
use rxrx_metadata::Column;
use serde_json::Value;
use zarrs::array::{Array, ElementOwned};
use zarrs::storage::store::MemoryStore;
use zarrs::storage::{StoreKey, WritableStorageTraits};

use super::Objects;
use super::documents::{keys_of_label, without_attributes};
use super::finding::{Finding, FindingKind, Findings, SiteSpan};

/// Bytes that a label may have beyond twice what it should decode to.
const LABEL_SURPLUS: u64 = 1 << 20;

/// What the tables say. `None` where a table is not to be believed, and
/// nothing can be compared with it.
#[derive(Debug, Default)]
pub(super) struct Tables {
    pub(super) sites: Option<SitesTable>,
    /// Site-major.
    pub(super) planes: Option<Vec<PlaneRow>>,
}

impl Tables {
    /// Reads both, of those that are as `SHA256SUMS` says.
    pub(super) fn read(root: &Root, objects: &mut Objects, findings: &Findings) -> Self {
        let geometry = &root.geometry;
        let mut tables = Self::default();
        if let Some(bytes) = objects.take(SITES) {
            match sites_of(bytes.into(), geometry.sites) {
                Ok(sites) => tables.sites = Some(sites),
                Err(error) => findings.object(FindingKind::Mismatch, SITES, chain(&error)),
            }
        }
        if let Some(bytes) = objects.take(PLANES) {
            match planes_of(bytes.into(), geometry.sites, &root.channels) {
                Ok(planes) => tables.planes = Some(planes),
                Err(error) => findings.object(FindingKind::Mismatch, PLANES, chain(&error)),
            }
        }
        tables
    }

    /// The record of one plane.
    pub(super) fn plane(&self, root: &Root, site: usize, channel: usize) -> Option<&PlaneRow> {
        let position = site.checked_mul(root.geometry.channels)?;
        self.planes.as_ref()?.get(position.checked_add(channel)?)
    }

    /// Sites by their positions, with their names.
    pub(super) fn span(&self, sites: std::ops::Range<usize>) -> SiteSpan {
        let id = |row: usize| Some(self.sites.as_ref()?.site_id(row)?.to_owned());
        SiteSpan {
            site_index: sites.start,
            count: sites.len(),
            first: id(sites.start),
            last: sites.end.checked_sub(1).and_then(id),
        }
    }

    /// Compares the tables with each other, with the attributes of the root and
    /// with the metadata of the arrays.
    pub(super) fn check(&self, root: &Root, findings: &Findings) {
        let Root {
            attributes,
            geometry,
            ..
        } = root;
        if let Some(planes) = &self.planes {
            let counts = PlaneCounts::of(planes.iter());
            if counts != attributes.planes {
                let text = format!(
                    "its attributes count {:?}, {PLANES} has {counts:?}",
                    attributes.planes
                );
                findings.object(FindingKind::Mismatch, ROOT_METADATA, text);
            }
        }
        let Some(sites) = &self.sites else { return };
        let current = attributes.generator == GENERATOR;
        for (key, expected) in key_value_metadata(geometry, attributes) {
            let found = sites.key_values.get(key);
            // Another version may have had more to say, and less.
            if found != Some(&expected) && (current || found.is_some()) {
                let text = format!("its note {key:?} is {found:?}, the root says {expected:?}");
                findings.object(FindingKind::Mismatch, SITES, text);
            }
        }
        let expected = array_metadata(geometry, &sites.columns, attributes.settings.codec);
        if let Some(found) = root.arrays.get(IMAGES) {
            compare_documents(IMAGES_METADATA, found, &expected, current, findings);
        }
        self.check_places(root, sites, findings);
    }

    /// `shard` and `complete` of each site.
    fn check_places(&self, root: &Root, sites: &SitesTable, findings: &Findings) {
        let mut key = (usize::MAX, String::new());
        for (site, place) in sites.places.iter().enumerate() {
            let shard = site / root.geometry.shard_sites;
            if key.0 != shard {
                key = (shard, shard_key(shard));
            }
            let mismatch = |text: String| {
                findings.add(Finding {
                    object: SITES.to_owned(),
                    sites: Some(self.span(site..site + 1)),
                    channel: None,
                    kind: FindingKind::Mismatch,
                    text,
                });
            };
            if *place.shard != *key.1 {
                mismatch(format!("shard is {:?}, expected {:?}", place.shard, key.1));
            }
            let ok = |channel| match self.plane(root, site, channel) {
                Some(plane) => matches!(plane, PlaneRow::Ok { .. }),
                None => place.complete,
            };
            let complete = (0..root.geometry.channels).all(ok);
            if self.planes.is_some() && complete != place.complete {
                mismatch(format!(
                    "complete is {}, and {PLANES} says {complete}",
                    place.complete
                ));
            }
        }
    }

    /// Compares every label array with the tables.
    pub(super) fn check_labels(&self, root: &Root, objects: &mut Objects, findings: &Findings) {
        let columns: &[Column] = self.sites.as_ref().map_or(&[], |sites| &sites.columns);
        let planes = self.planes.iter().flatten();
        let present = planes.map(PlaneRow::is_ok).collect();
        let labels = match labels(columns, present, &root.attributes) {
            Ok(labels) => labels,
            // Nothing to compare with: said of the tables already.
            Err(_) if self.sites.is_none() || self.planes.is_none() => return,
            Err(error) => {
                return findings.object(FindingKind::Mismatch, ROOT_METADATA, error.to_string());
            }
        };
        let mut unexpected: Vec<&String> = root.arrays.keys().collect();
        unexpected.retain(|name| *name != IMAGES);
        for label in &labels {
            unexpected.retain(|name| **name != label.name);
            let needs_planes = label.name == "present";
            let of_channels = matches!(label.name.as_str(), "channel" | "stain");
            if (needs_planes && self.planes.is_none()) || (!of_channels && self.sites.is_none()) {
                continue;
            }
            self.check_label(label, root, objects, findings);
        }
        for name in unexpected.into_iter().filter(|_| self.sites.is_some()) {
            let text = format!("it has an array {name:?} that is no column of {SITES}");
            findings.object(FindingKind::Mismatch, ROOT_METADATA, text);
        }
    }

    fn check_label(&self, label: &Label, root: &Root, objects: &mut Objects, findings: &Findings) {
        let [document_key, chunk_key] = keys_of_label(&label.name);
        let Some(document) = root.arrays.get(&label.name) else {
            let text = format!("it has no array {:?}", label.name);
            return findings.object(FindingKind::Mismatch, ROOT_METADATA, text);
        };
        let current = root.attributes.generator == GENERATOR;
        if !compare_documents(&document_key, document, &label.metadata, current, findings) {
            return;
        }
        let Some(chunk) = objects.take(&chunk_key) else {
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
        let values = values(label, document, chunk).zip(self::values(
            label,
            &label.metadata,
            label.chunk.clone(),
        ));
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
                "channel" | "stain" => (None, Some(position)),
                "present" => (Some(position / channels), Some(position % channels)),
                _ => (Some(position), None),
            };
            mismatch(
                site.map(|site| self.span(site..site + 1)),
                channel.and_then(|channel| root.channels.get(channel).cloned()),
                format!("{} is {found}, the tables say {expected}", label.name),
            );
        }
    }
}

/// Whether the parts that readers depend on are as expected.
fn compare_documents(
    key: &str,
    found: &Value,
    expected: &Value,
    current: bool,
    findings: &Findings,
) -> bool {
    let blank = |document: &Value| document.pointer("/attributes/_FillValue").cloned();
    let alike = without_attributes(found) == without_attributes(expected)
        && blank(found) == blank(expected);
    if !alike || (current && found != expected) {
        let text = "it does not describe the array of these tables and settings";
        findings.object(FindingKind::Mismatch, key, text);
    }
    alike
}

/// The values of a label array, as text that tells any two apart.
fn values(label: &Label, document: &Value, chunk: Vec<u8>) -> Option<Vec<String>> {
    // A frame that unfolds to more than the label is a bomb.
    let compressed = chunk
        .len()
        .checked_sub(4)
        .and_then(|end| chunk.get(..end))?;
    let bound = zstd::zstd_safe::decompress_bound(compressed).ok()?;
    let own = label
        .chunk
        .len()
        .checked_sub(4)
        .and_then(|end| label.chunk.get(..end))?;
    let own = zstd::zstd_safe::decompress_bound(own).ok()?;
    if bound > own.saturating_mul(2).saturating_add(LABEL_SURPLUS) {
        return None;
    }
    let store = Arc::new(MemoryStore::new());
    let name = &label.name;
    let put = |key: String, bytes: Vec<u8>| {
        let key = StoreKey::new(key).ok()?;
        store.set(&key, bytes.into()).ok()
    };
    put(
        format!("{name}/zarr.json"),
        document.to_string().into_bytes(),
    )?;
    put(format!("{name}/{}", label.chunk_key), chunk)?;
    let array = Array::open(store, &format!("/{name}")).ok()?;
    match document.get("data_type")?.as_str()? {
        "string" => texts::<String>(&array),
        "bool" => texts::<bool>(&array),
        "int64" => texts::<i64>(&array),
        "float64" => texts::<f64>(&array),
        _ => None,
    }
}

fn texts<T: ElementOwned + Debug>(array: &Array<MemoryStore>) -> Option<Vec<String>> {
    let values: Vec<T> = array.retrieve_array_subset(&array.subset_all()).ok()?;
    Some(values.iter().map(|value| format!("{value:?}")).collect())
}

/// An error with all that lies beneath it, in one line.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text += &format!(": {error}");
        source = error.source();
    }
    text
}
