//! The changes that a publication makes at its address.

use std::collections::{BTreeMap, BTreeSet};

use rxrx_format::keys::{ROOT_METADATA, STORE_CHECKSUMS};
use rxrx_storage::{PART, PublishedChecksum, Remote, Store, StoreError, map_concurrent};
use sha2::{Digest, Sha256};

use super::error::PublishError;
use super::report::Published;
use super::source::{AT_ONCE, Recorded, SourceDataset};
use crate::journal::Journal;
use crate::output::own_keys;

/// The objects to be changed at the address.
#[derive(Debug, Default)]
pub(super) struct Changes {
    /// Keys of the objects to be put.
    pub(super) put: BTreeSet<String>,
    /// Keys of the objects to be removed.
    pub(super) remove: Vec<String>,
    /// Keys of the objects that stay.
    pub(super) keep: Vec<String>,
    /// Whether there is root metadata.
    pub(super) has_root: bool,
}

impl Changes {
    /// Compares the objects in `remote` with those of `source`.
    pub(super) fn find(
        source: &SourceDataset<'_>,
        remote: &Remote,
        store: &dyn Store,
        journal: &Journal<'_>,
    ) -> Result<Self, PublishError> {
        let existing = store.list()?.into_iter();
        let sizes: BTreeMap<String, u64> =
            existing.map(|object| (object.key, object.size)).collect();
        let mut changes = Self {
            has_root: sizes.contains_key(ROOT_METADATA),
            ..Self::default()
        };
        let mut same_size = Vec::new();
        for (key, recorded) in &source.objects {
            if sizes.get(key) == Some(&recorded.bytes) {
                same_size.push((key, *recorded));
            } else {
                changes.put.insert(key.clone());
            }
        }
        changes.remove = own_keys(store, journal)?
            .into_iter()
            .filter(|key| key != STORE_CHECKSUMS && !source.objects.contains_key(key))
            .collect();
        let keys: Vec<&str> = same_size.iter().map(|(key, _)| key.as_str()).collect();
        let published = remote.published_checksums(&keys)?;
        let candidates: Vec<_> = same_size.into_iter().zip(published).collect();
        let same = map_concurrent(&candidates, AT_ONCE, |((key, recorded), published)| {
            is_same(remote, key, recorded, published.as_ref())
        })?;
        for (((key, _), _), same) in candidates.into_iter().zip(same) {
            if same {
                changes.keep.push(key.clone());
            } else {
                changes.put.insert(key.clone());
            }
        }
        Ok(changes)
    }

    /// Returns whether there is anything to change.
    pub(super) fn any(&self) -> bool {
        !self.put.is_empty() || !self.remove.is_empty()
    }

    /// Returns the numbers of a publication that makes these changes.
    pub(super) fn summary(&self, source: &SourceDataset<'_>) -> Published {
        let size = |key: &String| source.objects.get(key).map_or(0, |object| object.bytes);
        Published {
            objects: source.objects.len(),
            bytes: source.objects.values().map(|object| object.bytes).sum(),
            uploaded: self.put.len(),
            uploaded_bytes: self.put.iter().map(size).sum(),
            upload_requests: self.put.iter().map(|key| requests(size(key))).sum(),
            kept: self.keep.len(),
            removed: self.remove.len(),
            verified: None,
        }
    }
}

/// Returns whether an object of the right size has the right bytes. One without a
/// published checksum is read.
fn is_same(
    remote: &Remote,
    key: &str,
    recorded: &Recorded,
    published: Option<&PublishedChecksum>,
) -> Result<bool, StoreError> {
    let Some(published) = published else {
        return Ok(false);
    };
    if let Some(sha256) = &published.sha256 {
        return Ok(*sha256 == hex::encode(recorded.sha256));
    }
    let found = remote.get_at_most(key, recorded.bytes)?;
    Ok(found.is_some_and(|found| Sha256::digest(&found)[..] == recorded.sha256))
}

/// Returns how many requests an upload of so many bytes takes: one, or one for each
/// part, one to begin and one to end.
fn requests(bytes: u64) -> usize {
    let part = PART as u64;
    if bytes <= part {
        1
    } else {
        usize::try_from(bytes.div_ceil(part)).map_or(usize::MAX, |parts| parts.saturating_add(2))
    }
}
