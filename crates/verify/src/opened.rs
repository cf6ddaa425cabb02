//! The root, the list of checksums and the sizes of the objects.

use std::collections::{BTreeMap, BTreeSet};

use rxrx_format::Root;
use rxrx_format::keys::{
    CARD, CHECKSUMS, OBJECTS, ROOT_METADATA, bytes_at_most, overview_key, shard_key,
};
use rxrx_reader::consistency::{FindingKind, Findings, error_chain, label_keys};
use rxrx_reader::{DatasetError, listed, parse_root, root_bytes};
use rxrx_storage::{Store, StoreError};
use sha2::{Digest, Sha256};

use super::checksums::Checksums;
use super::error::VerifyError;

/// A dataset whose root and list of checksums have been read.
pub(super) struct OpenedDataset {
    /// Sizes of the objects in bytes, by key.
    pub(super) sizes: BTreeMap<String, u64>,
    pub(super) checksums: Checksums,
    /// The root; `None` when its checksum is wrong or it cannot be parsed.
    pub(super) root: Option<Root>,
}

impl OpenedDataset {
    /// Reads the root and the list of checksums, and lists the dataset. Where the store
    /// cannot list, as a plain web server, it is asked for each object that the list of
    /// checksums names or that a dataset with this root has.
    ///
    /// # Errors
    /// [`VerifyError`] when there is no root, it has a format that this program
    /// does not read, or neither the root nor a list shows that the dataset is one
    /// of this program.
    pub(super) fn read(
        store: &dyn Store,
        dataset: &str,
        findings: &Findings,
    ) -> Result<Self, VerifyError> {
        let root = root_bytes(store)?;
        let root = root.ok_or_else(|| DatasetError::NotSealed {
            dataset: dataset.to_owned(),
        })?;
        let checksums = Checksums::new(read_list(store, findings));
        let checksum = Sha256::digest(&root).into();
        let is_intact = checksums.check(ROOT_METADATA, checksum, findings);
        let root = match parse_root(&root, dataset) {
            Ok(root) => is_intact.then_some(root),
            Err(error @ DatasetError::Version { .. }) if is_intact => return Err(error.into()),
            // Without a list, nothing shows that the dataset is one of this program.
            Err(error) if checksums.is_empty() => return Err(error.into()),
            Err(error) => {
                let text = match error {
                    DatasetError::Foreign { reason, .. } => reason,
                    error => error_chain(&error),
                };
                findings.object(FindingKind::Damaged, ROOT_METADATA, text);
                None
            }
        };
        let sizes = match listed(store)? {
            Some(objects) => {
                let sizes = objects.into_iter().map(|object| (object.key, object.size));
                sizes.collect()
            }
            None => asked_for(store, &checksums, root.as_ref())?,
        };
        Ok(Self {
            sizes,
            checksums,
            root,
        })
    }

    /// Returns whether the card may have any content: the list of checksums does not name
    /// it, because people edit it.
    pub(super) fn has_free_card(&self) -> bool {
        let is_free = |root: &Root| root.attributes.card_sha256.is_some();
        !self.checksums.lists(CARD) && self.root.as_ref().is_none_or(is_free)
    }

    /// Returns whether there is an object with that key.
    pub(super) fn has(&self, key: &str) -> bool {
        self.sizes.contains_key(key)
    }

    /// Returns the size of all objects together, in bytes.
    pub(super) fn bytes(&self) -> u64 {
        let sizes = self.sizes.values();
        sizes.fold(0, |sum, size| sum.saturating_add(*size))
    }
}

/// Returns the sizes of the objects of a dataset, which are asked for one by one.
fn asked_for(
    store: &dyn Store,
    checksums: &Checksums,
    root: Option<&Root>,
) -> Result<BTreeMap<String, u64>, StoreError> {
    let mut keys: BTreeSet<String> = checksums.keys().map(str::to_owned).collect();
    keys.extend(OBJECTS.iter().map(|object| object.key.to_owned()));
    if let Some(root) = root {
        keys.extend(label_keys(root).into_values().flatten());
        let units = 0..root.geometry.shards();
        keys.extend(units.clone().map(shard_key));
        keys.extend(units.filter(|_| root.has_overview()).map(overview_key));
    }
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    let sizes = keys.iter().zip(store.sizes(&keys)?);
    Ok(sizes
        .filter_map(|(key, size)| Some(((*key).to_owned(), size?)))
        .collect())
}

/// Reads the list of checksums: `None` when it is absent, nothing when it cannot be
/// read.
fn read_list(store: &dyn Store, findings: &Findings) -> Option<Vec<u8>> {
    match store.get_at_most(CHECKSUMS, bytes_at_most(CHECKSUMS)) {
        Ok(list) => list,
        Err(error) => {
            findings.object(FindingKind::Damaged, CHECKSUMS, error_chain(&error));
            Some(Vec::new())
        }
    }
}
