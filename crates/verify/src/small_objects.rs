//! All objects but the shards and the overviews.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use rxrx_format::keys::{
    CARD, CHECKSUMS, IMAGES, IMAGES_METADATA, OVERVIEW, OVERVIEW_METADATA, OVERVIEWS, PAGE,
    ROOT_METADATA, SHARDS, STORE_CHECKSUMS, bytes_at_most,
};
use rxrx_format::{Root, overview_bytes_at_most};
use rxrx_reader::consistency::{FindingKind, Findings, check_document, error_chain, label_keys};
use rxrx_storage::Store;
use sha2::{Digest, Sha256};

use super::opened::OpenedDataset;

/// The small objects that have the right checksum and are compared with others,
/// and the keys of the shards and of the overviews.
#[derive(Debug, Default)]
pub(super) struct SmallObjects {
    objects: BTreeMap<String, Bytes>,
    units: Vec<String>,
    /// Whether somebody has edited the card, which the list of checksums does not name.
    pub(super) card_edited: bool,
}

/// The keys of the objects that a dataset with a certain root has.
struct KnownKeys<'a> {
    root: &'a Root,
    /// Names of the arrays by the keys of their metadata documents.
    documents: BTreeMap<String, String>,
    /// Keys of the chunks of the labels.
    chunks: BTreeSet<String>,
}

impl SmallObjects {
    /// Reads all objects but the root, the list of checksums, those of the store, the
    /// shards and the overviews.
    pub(super) fn read(store: &dyn Store, opened: &OpenedDataset, findings: &Findings) -> Self {
        let known = opened.root.as_ref().map(KnownKeys::of);
        let mut read = Self::default();
        for (key, &size) in &opened.sizes {
            if [ROOT_METADATA, CHECKSUMS, STORE_CHECKSUMS].contains(&key.as_str()) {
                continue;
            }
            let is_part = match &known {
                _ if key == CARD => true,
                Some(known) => known.contains(key),
                None => opened.checksums.lists(key),
            };
            if !is_part {
                report_extra(opened, key, findings);
                continue;
            }
            let is_shard = key.starts_with(SHARDS);
            let is_overview = key.starts_with(OVERVIEWS);
            let at_most = match &opened.root {
                Some(root) if is_shard => root.shard_bytes_at_most(),
                Some(root) if is_overview => overview_bytes_at_most(&root.geometry),
                _ => bytes_at_most(key),
            };
            if size > at_most {
                let text = format!("its {size} bytes are more than it can have, and were not read");
                findings.object(FindingKind::Damaged, key, text);
                opened.checksums.accept(key);
            } else if is_shard || is_overview {
                read.units.push(key.clone());
            } else if key == CARD && opened.has_free_card() {
                read.card_edited = read_free_card(store, opened, findings);
            } else if let Some(bytes) = read_object(store, opened, key, findings) {
                match known
                    .as_ref()
                    .map(|known| (known, known.documents.get(key)))
                {
                    Some((known, Some(name))) => {
                        check_document(known.root, name, key, &bytes, findings);
                    }
                    Some((_, None)) if key != CARD => {
                        read.objects.insert(key.clone(), bytes);
                    }
                    _ => {}
                }
            }
        }
        read
    }

    /// Returns the objects by key.
    pub(super) fn objects(&self) -> &BTreeMap<String, Bytes> {
        &self.objects
    }

    /// Returns the keys of the shards and of the overviews, and frees the memory of the objects.
    pub(super) fn into_units(self) -> Vec<String> {
        self.units
    }
}

impl<'a> KnownKeys<'a> {
    fn of(root: &'a Root) -> Self {
        let labels = label_keys(root);
        let owned = |(key, name): (&str, &str)| (key.to_owned(), name.to_owned());
        let documents = labels
            .iter()
            .map(|(name, [document, _])| (document.clone(), name.clone()))
            .chain([(IMAGES_METADATA, IMAGES), (OVERVIEW_METADATA, OVERVIEW)].map(owned));
        Self {
            root,
            documents: documents.collect(),
            chunks: labels.into_values().map(|[_, chunk]| chunk).collect(),
        }
    }

    fn contains(&self, key: &str) -> bool {
        if key.starts_with(SHARDS) || key.starts_with(OVERVIEWS) {
            return self.root.unit_of(key).is_some();
        }
        if key == OVERVIEW_METADATA {
            return self.root.has_overview();
        }
        // A dataset of an earlier draft has no page; SHA256SUMS says whether it should be there.
        key == PAGE
            || self.root.objects().any(|object| object.key == key)
            || self.documents.contains_key(key)
            || self.chunks.contains(key)
    }
}

/// Reports an object that is no part of the dataset.
fn report_extra(opened: &OpenedDataset, key: &str, findings: &Findings) {
    let mut text = "it is no part of the dataset".to_owned();
    if opened.checksums.lists(key) {
        text += ", though SHA256SUMS lists it";
        opened.checksums.accept(key);
    }
    findings.object(FindingKind::Extra, key, text);
}

/// Reads a card that may have any content. Returns whether it is not as it was written.
fn read_free_card(store: &dyn Store, opened: &OpenedDataset, findings: &Findings) -> bool {
    let written = opened
        .root
        .as_ref()
        .and_then(|root| root.attributes.card_sha256.as_deref());
    match store.get_at_most(CARD, bytes_at_most(CARD)) {
        Ok(Some(card)) => written.is_some_and(|sum| sum != hex::encode(Sha256::digest(card))),
        Ok(None) => false,
        Err(error) => {
            findings.object(FindingKind::Damaged, CARD, error_chain(&error));
            false
        }
    }
}

/// Reads an object; `None` when it is absent or its checksum is wrong.
fn read_object(
    store: &dyn Store,
    opened: &OpenedDataset,
    key: &str,
    findings: &Findings,
) -> Option<Bytes> {
    let bytes = match store.get_at_most(key, bytes_at_most(key)) {
        Ok(bytes) => bytes?,
        Err(error) => {
            let text = error_chain(&error);
            findings.object(FindingKind::Damaged, key, text);
            opened.checksums.accept(key);
            return None;
        }
    };
    let checksum = Sha256::digest(&bytes).into();
    let is_intact = opened.checksums.check(key, checksum, findings);
    is_intact.then(|| bytes.into())
}
