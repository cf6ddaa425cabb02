//! Comparison of a dataset in an object store with the checksums that the store has,
//! without reading the objects.
//!
//! The root metadata, `SHA256SUMS` and `store-checksums.json` are read. Of each other
//! object the store is asked for its size and its checksums. An object is as recorded if
//!
//! - the store states the SHA-256 of the whole object, and it is the one in `SHA256SUMS`;
//!   or
//! - it has the recorded size, a checksum of a kind that is recorded is equal, and no
//!   other differs.
//!
//! An ETag that is no hash changes when equal bytes are put again. It counts only where
//! nothing else can be compared.

use std::collections::{BTreeMap, BTreeSet};

use rxrx_format::keys::{CARD, CHECKSUMS, ROOT_METADATA, STORE_CHECKSUMS, bytes_at_most};
use rxrx_format::{Checksums, Sha256Sum, StoreChecksum, StoreChecksums, parse_store_checksums};
use rxrx_reader::{Dataset, ObjectCount, root_bytes};
use rxrx_storage::{Store, StoreErrorKind, StoredChecksums};
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::error::VerifyError;

/// Number of changed objects that are described.
const EXAMPLES: usize = 10;
/// The kind of an ETag that is no hash of the bytes.
const OPAQUE: &str = "etag";
/// The kind of the SHA-256 of a whole object.
const SHA256: &str = "sha256";
/// The kind of the objects that were read.
const READ: &str = "read";

/// The result of a verification by the checksums of the store.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct StoreReport {
    /// Objects that the dataset should have.
    pub objects: usize,
    /// Size of those that are there, in bytes.
    pub bytes: u64,
    /// Objects that a checksum shows to be as recorded.
    pub proven: usize,
    /// The number of objects that each kind of checksum shows to be as recorded. `read`
    /// stands for the root metadata, which is read. An object can have several kinds.
    pub kinds: BTreeMap<String, usize>,
    /// Whether the dataset has `store-checksums.json`.
    pub recorded: bool,
    /// Objects that are there, and about which the store and the records say nothing that
    /// could be compared.
    pub without_proof: ObjectCount,
    /// Objects that are not as recorded.
    pub changed: ChangedObjects,
    /// Objects that are not there.
    pub missing: ObjectCount,
    /// Objects that are no part of the dataset; `None` where the store gives no list.
    pub extra: Option<ObjectCount>,
}

/// A number of changed objects, and the first of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ChangedObjects {
    /// How many.
    pub count: usize,
    /// What differs, by key, of the first ten.
    pub examples: BTreeMap<String, String>,
}

impl ChangedObjects {
    fn add(&mut self, key: &str, text: String) {
        if self.count < EXAMPLES {
            self.examples.insert(key.to_owned(), text);
        }
        self.count += 1;
    }
}

impl StoreReport {
    /// Whether every object is shown to be as recorded, and none is extra.
    pub fn is_clean(&self) -> bool {
        let extra = self.extra.as_ref().map_or(0, |extra| extra.count);
        self.changed.count + self.missing.count + self.without_proof.count + extra == 0
    }
}

/// Compares the sizes and checksums that the store has of the objects of `dataset` with
/// those that are recorded.
///
/// # Errors
/// [`VerifyError`]: the dataset is on a disk, lacks `SHA256SUMS`, or the store fails.
pub fn verify_by_store(dataset: &Dataset) -> Result<StoreReport, VerifyError> {
    let store = dataset.store();
    let sums = dataset.checksums()?;
    let others = sums.keys().map(String::as_str);
    let others = others.filter(|key| *key != ROOT_METADATA);
    let keys: Vec<&str> = others.chain([CHECKSUMS]).collect();
    let found = store.stored_checksums(&keys)?;
    let found = found.ok_or_else(|| VerifyError::NoStoreChecksums {
        dataset: dataset.name().to_owned(),
    })?;
    let mut report = StoreReport {
        objects: keys.len() + 1,
        extra: extra(store, &sums)?,
        ..StoreReport::default()
    };
    let records = report.read_records(store)?;
    report.check_root(store, &sums)?;
    for (&key, found) in keys.iter().zip(&found) {
        report.check(key, found.as_ref(), sums.get(key), records.get(key));
    }
    Ok(report)
}

/// Returns the objects that are no part of the dataset; `None` where the store gives no
/// list.
fn extra(store: &dyn Store, sums: &Checksums) -> Result<Option<ObjectCount>, VerifyError> {
    let objects = match store.list() {
        Ok(objects) if objects.iter().any(|object| object.key == ROOT_METADATA) => objects,
        Err(error) if error.kind == StoreErrorKind::Unreachable => return Err(error.into()),
        _ => return Ok(None),
    };
    let mut extra = ObjectCount::default();
    for object in objects {
        let key = object.key.as_str();
        if !sums.contains_key(key) && ![CARD, CHECKSUMS, STORE_CHECKSUMS].contains(&key) {
            extra.add(key);
        }
    }
    Ok(Some(extra))
}

impl StoreReport {
    /// Reads the recorded checksums: none if there are none, or if they are damaged.
    fn read_records(&mut self, store: &dyn Store) -> Result<StoreChecksums, VerifyError> {
        let document = store.get_at_most(STORE_CHECKSUMS, bytes_at_most(STORE_CHECKSUMS))?;
        self.recorded = document.is_some();
        let records = document.map(|document| parse_store_checksums(&document));
        Ok(match records {
            None => StoreChecksums::new(),
            Some(Ok(records)) => records,
            Some(Err(reason)) => {
                let text = format!("it cannot be used: {reason}");
                self.changed.add(STORE_CHECKSUMS, text);
                StoreChecksums::new()
            }
        })
    }

    /// Compares the root, which is read, with its SHA-256: it is stored after the records.
    fn check_root(&mut self, store: &dyn Store, sums: &Checksums) -> Result<(), VerifyError> {
        let Some(root) = root_bytes(store)? else {
            self.missing.add(ROOT_METADATA);
            return Ok(());
        };
        self.bytes += root.len() as u64;
        let actual: Sha256Sum = Sha256::digest(&root).into();
        match sums.get(ROOT_METADATA) {
            Some(listed) if *listed == actual => self.count_proof([READ]),
            Some(listed) => {
                let text = format!(
                    "SHA-256 is {}, {CHECKSUMS} says {}",
                    hex::encode(actual),
                    hex::encode(listed)
                );
                self.changed.add(ROOT_METADATA, text);
            }
            None => self.without_proof.add(ROOT_METADATA),
        }
        Ok(())
    }

    /// Compares what the store says of an object with what is recorded of it.
    fn check(
        &mut self,
        key: &str,
        found: Option<&StoredChecksums>,
        listed: Option<&Sha256Sum>,
        record: Option<&StoreChecksum>,
    ) {
        let Some(found) = found else {
            self.missing.add(key);
            return;
        };
        self.bytes = self.bytes.saturating_add(found.size);
        match compare(found, listed, record) {
            Ok(kinds) if kinds.is_empty() => self.without_proof.add(key),
            Ok(kinds) => self.count_proof(kinds),
            Err(text) => self.changed.add(key, text),
        }
    }

    fn count_proof<'a>(&mut self, kinds: impl IntoIterator<Item = &'a str>) {
        self.proven += 1;
        for kind in kinds {
            *self.kinds.entry(kind.to_owned()).or_default() += 1;
        }
    }
}

/// Returns the kinds of checksums that show an object to be as recorded.
///
/// # Errors
/// What differs.
fn compare<'a>(
    found: &'a StoredChecksums,
    listed: Option<&Sha256Sum>,
    record: Option<&StoreChecksum>,
) -> Result<BTreeSet<&'a str>, String> {
    let mut equal = BTreeSet::new();
    let mut opaque = None;
    if let (Some(stated), Some(listed)) = (found.sha256(), listed) {
        if stated != *listed {
            let (stated, listed) = (hex::encode(stated), hex::encode(listed));
            return Err(format!(
                "its SHA-256 is {stated}, {CHECKSUMS} says {listed}"
            ));
        }
        equal.insert(SHA256);
    }
    if let Some(record) = record {
        if record.bytes != found.size {
            let (bytes, recorded) = (found.size, record.bytes);
            return Err(format!("it has {bytes} bytes, {recorded} are recorded"));
        }
        for (kind, stated) in &found.checksums {
            match record.checksums.get(kind) {
                None => {}
                Some(recorded) if kind == OPAQUE => opaque = Some((kind, stated, recorded)),
                Some(recorded) if recorded == stated => {
                    equal.insert(kind);
                }
                Some(recorded) => {
                    return Err(format!("its {kind} is {stated}, {recorded} is recorded"));
                }
            }
        }
    }
    match opaque {
        Some((kind, stated, recorded)) if stated == recorded => {
            equal.insert(kind);
        }
        Some((_, stated, recorded)) if equal.is_empty() => {
            return Err(format!(
                "its ETag is {stated}, {recorded} is recorded: it was put again, and its bytes \
                 may be others"
            ));
        }
        _ => {}
    }
    Ok(equal)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sums(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        let pairs = pairs.iter();
        pairs
            .map(|&(kind, sum)| (kind.to_owned(), sum.to_owned()))
            .collect()
    }

    fn compared(
        found: &[(&str, &str)],
        listed: Option<Sha256Sum>,
        recorded: Option<&[(&str, &str)]>,
    ) -> Result<Vec<String>, String> {
        let found = StoredChecksums {
            size: 3,
            checksums: sums(found),
        };
        let record = recorded.map(|recorded| StoreChecksum {
            bytes: 3,
            checksums: sums(recorded),
        });
        let kinds = compare(&found, listed.as_ref(), record.as_ref())?;
        Ok(kinds.into_iter().map(str::to_owned).collect())
    }

    #[test]
    fn any_kind_that_both_have_is_a_proof() {
        let both = [("etag-md5", "a"), ("crc32c", "b")];
        assert_eq!(
            compared(&both, None, Some(&both)).unwrap(),
            ["crc32c", "etag-md5"]
        );
        let one = compared(&both, None, Some(&both[1..]));
        assert_eq!(one.unwrap(), ["crc32c"]);
        let none = compared(&both[..1], None, Some(&both[1..]));
        assert_eq!(none.unwrap(), [""; 0]);
        assert_eq!(compared(&both, None, None).unwrap(), [""; 0]);
    }

    #[test]
    fn one_kind_that_differs_is_a_change() {
        let found = [("etag-md5", "a"), ("crc32c", "b")];
        let recorded = [("etag-md5", "a"), ("crc32c", "c")];
        let text = compared(&found, None, Some(&recorded)).unwrap_err();
        assert_eq!(text, "its crc32c is b, c is recorded");
    }

    #[test]
    fn an_opaque_tag_counts_only_alone() {
        let found = [("etag", "2"), ("md5", "a")];
        let recorded = [("etag", "1"), ("md5", "a")];
        assert_eq!(compared(&found, None, Some(&recorded)).unwrap(), ["md5"]);
        let text = compared(&found[..1], None, Some(&recorded)).unwrap_err();
        assert!(text.contains("it was put again"), "{text}");
        let same = compared(&found[..1], None, Some(&found));
        assert_eq!(same.unwrap(), ["etag"]);
    }

    #[test]
    fn the_sha_256_of_the_store_is_compared_with_the_list() {
        let sum = Sha256::digest("abc").into();
        let stated = [("sha256", "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=")];
        assert_eq!(compared(&stated, Some(sum), None).unwrap(), ["sha256"]);
        let other = Sha256::digest("abd").into();
        // The record was made when the object was other already.
        assert!(compared(&stated, Some(other), Some(&stated)).is_err());
        // That of parts is no SHA-256 of the object.
        let parts = [("sha256-parts", "2qXW+F4KwLk=-2")];
        assert_eq!(compared(&parts, Some(sum), None).unwrap(), [""; 0]);
    }
}
