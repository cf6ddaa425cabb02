//! The root, the list of checksums and the sizes of the objects.

use std::collections::BTreeMap;

use rxrx_format::Root;
use rxrx_format::keys::{CHECKSUMS, ROOT_METADATA, bytes_at_most};
use rxrx_reader::consistency::{FindingKind, Findings, error_chain};
use rxrx_reader::{DatasetError, parse_root, root_bytes};
use rxrx_storage::Store;
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
    /// Lists the dataset and reads its root and its list of checksums.
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
        let objects = store.list()?.into_iter();
        let sizes: BTreeMap<String, u64> =
            objects.map(|object| (object.key, object.size)).collect();
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
        Ok(Self {
            sizes,
            checksums,
            root,
        })
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
