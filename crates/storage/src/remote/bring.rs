//! Objects of the work folder that become objects of the output.

use std::ops::Range;

use super::client::{Remote, RemoteObject};
use super::upload::PART;
use crate::store::{StoreError, StoreErrorKind, WriteOutcome};

impl Remote {
    /// Makes the object `from` of `work` the object `key` of this folder, with its
    /// metadata. It is read only as it was seen, and it is written only over what was
    /// there, where the store has such conditions.
    ///
    /// An object with the same bytes, which has the same ETag if it was uploaded in parts
    /// of the same size, stays as it is.
    pub(super) fn bring(&self, work: &Self, from: &str, key: &str) -> Result<(), StoreError> {
        let Some(source) = work.head(from)? else {
            let text = format!("{} is gone", work.name(from));
            let kind = StoreErrorKind::NotFound;
            return Err(StoreError::new("write", self.name(key), kind, text));
        };
        let there = self.head(key)?;
        if there.is_some_and(|there| is_copy(&there, &source)) {
            return Ok(());
        }
        let published = work.published_checksums(&[from])?.into_iter().flatten();
        let sha256 = published.last().and_then(|object| object.sha256);
        let write = |to: &mut dyn std::io::Write| {
            for range in parts(source.size) {
                let read = work.get_ranges(&source, &[range]);
                for bytes in read.map_err(std::io::Error::other)? {
                    to.write_all(&bytes)?;
                }
            }
            Ok(WriteOutcome::Store)
        };
        self.put_with_metadata(key, sha256, Box::new(write))
    }
}

/// Whether two objects have the same bytes by their ETags.
fn is_copy(one: &RemoteObject, other: &RemoteObject) -> bool {
    one.size == other.size && one.e_tag.is_some() && one.e_tag == other.e_tag
}

/// Returns the ranges of the parts in which an object of that size is written.
fn parts(size: u64) -> impl Iterator<Item = Range<u64>> {
    let part = PART as u64;
    let count = size.div_ceil(part);
    (0..count).map(move |number| number * part..size.min((number + 1) * part))
}
