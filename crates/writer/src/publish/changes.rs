//! The changes that a publication makes at its address.

use std::collections::{BTreeMap, BTreeSet};

use rxrx_format::keys::{CHECKSUMS, ROOT_METADATA, is_array_metadata};
use rxrx_storage::{PART, PublishedChecksum, Remote, StoreError, map_concurrent};
use sha2::{Digest, Sha256};

use super::error::PublishError;
use super::report::Published;
use super::source::{AT_ONCE, Recorded, SourceDataset};

/// The objects to be changed at the address.
#[derive(Debug, Default)]
pub(super) struct Changes {
    /// Keys of the objects to be put.
    pub(super) put: BTreeSet<String>,
    /// Keys of the objects that stay.
    pub(super) keep: Vec<String>,
}

impl Changes {
    /// Compares the objects in `remote` with those of `source`.
    pub(super) fn find(source: &SourceDataset<'_>, remote: &Remote) -> Result<Self, PublishError> {
        let existing = remote.list()?.into_iter();
        let sizes: BTreeMap<String, u64> =
            existing.map(|object| (object.key, object.size)).collect();
        let mut changes = Self::default();
        let mut same_size = Vec::new();
        for (key, recorded) in &source.objects {
            if sizes.get(key) == Some(&recorded.bytes) {
                same_size.push((key, *recorded));
            } else {
                changes.put.insert(key.clone());
            }
        }
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

    /// Puts the list of checksums and all metadata, too, as a dataset that takes the place
    /// of another one needs them.
    pub(super) fn with_metadata(mut self) -> Self {
        let is_kept =
            |key: &String| key != CHECKSUMS && key != ROOT_METADATA && !is_array_metadata(key);
        let (keep, put): (Vec<_>, Vec<_>) = self.keep.into_iter().partition(is_kept);
        self.keep = keep;
        self.put.extend(put);
        self
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
            left_behind: 0,
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
