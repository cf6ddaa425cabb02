//! The dataset to be published.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;

use rxrx_format::keys::{CHECKSUMS, ROOT_METADATA, STORE_CHECKSUMS, bytes_at_most};
use rxrx_format::{Checksums, Sha256Sum, parse_checksums};
use rxrx_reader::{DatasetError, parse_root, root_bytes};
use rxrx_storage::Store;
use sha2::{Digest, Sha256};

use super::error::PublishError;

/// Objects that are read or put at once.
pub(super) const AT_ONCE: NonZeroUsize = NonZeroUsize::new(4).unwrap();

/// Size and SHA-256 of an object.
#[derive(Clone, Copy, Debug)]
pub(super) struct Recorded {
    /// Size in bytes.
    pub(super) bytes: u64,
    pub(super) sha256: Sha256Sum,
}

/// A sealed dataset whose root and list of checksums have been read.
pub(super) struct SourceDataset<'a> {
    store: &'a dyn Store,
    /// The dataset in errors.
    name: &'a str,
    /// All objects with their sizes and recorded checksums, the list of checksums
    /// too.
    pub(super) objects: BTreeMap<String, Recorded>,
    /// The root and the list of checksums: they are read once and put from here.
    in_memory: [(&'static str, Vec<u8>); 2],
}

impl<'a> SourceDataset<'a> {
    /// Reads the root and the list of checksums, and lists the objects.
    ///
    /// # Errors
    /// [`PublishError`] when the dataset is not sealed or not one of this program,
    /// or when the list of checksums does not name exactly the objects that exist.
    pub(super) fn read(store: &'a dyn Store, name: &'a str) -> Result<Self, PublishError> {
        let root = root_bytes(store)?;
        let root = root.ok_or_else(|| DatasetError::NotSealed {
            dataset: name.to_owned(),
        })?;
        parse_root(&root, name)?;
        let missing = |key: &str| damaged(name, key, "is missing");
        let list = store.get_at_most(CHECKSUMS, bytes_at_most(CHECKSUMS))?;
        let list = list.ok_or_else(|| missing(CHECKSUMS))?;
        let mut sums: Checksums = std::str::from_utf8(&list)
            .ok()
            .and_then(|list| parse_checksums(list).ok())
            .ok_or_else(|| damaged(name, CHECKSUMS, "is not a list of checksums"))?;
        sums.insert(CHECKSUMS.to_owned(), Sha256::digest(&list).into());
        let mut objects = BTreeMap::new();
        for object in store.list()? {
            // They are those of another store.
            if object.key == STORE_CHECKSUMS {
                continue;
            }
            let sha256 = sums
                .remove(&object.key)
                .ok_or_else(|| damaged(name, &object.key, &format!("is not in {CHECKSUMS}")))?;
            let bytes = object.size;
            objects.insert(object.key, Recorded { bytes, sha256 });
        }
        if let Some(key) = sums.keys().next() {
            return Err(missing(key));
        }
        let source = Self {
            store,
            name,
            objects,
            in_memory: [(ROOT_METADATA, root), (CHECKSUMS, list)],
        };
        source.get(ROOT_METADATA)?;
        Ok(source)
    }

    /// Returns the bytes of an object and what is recorded of it.
    ///
    /// # Errors
    /// [`PublishError::Damaged`] when the object has another checksum.
    pub(super) fn get(&self, key: &str) -> Result<(Vec<u8>, Recorded), PublishError> {
        let missing = || damaged(self.name, key, "is missing");
        let recorded = *self.objects.get(key).ok_or_else(missing)?;
        let in_memory = self.in_memory.iter().find(|(known, _)| *known == key);
        let bytes = match in_memory {
            Some((_, bytes)) => bytes.clone(),
            None => {
                let bytes = self.store.get_at_most(key, recorded.bytes)?;
                bytes.ok_or_else(missing)?
            }
        };
        if Sha256::digest(&bytes)[..] != recorded.sha256 {
            let problem = format!("has another checksum than {CHECKSUMS} says");
            return Err(damaged(self.name, key, &problem));
        }
        Ok((bytes, recorded))
    }
}

fn damaged(dataset: &str, key: &str, problem: &str) -> PublishError {
    PublishError::Damaged {
        dataset: dataset.to_owned(),
        key: key.to_owned(),
        problem: problem.to_owned(),
    }
}
