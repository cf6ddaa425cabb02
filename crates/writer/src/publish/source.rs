//! The dataset to be published.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;

use rxrx_format::keys::{
    CARD, CHECKSUMS, GROUP, IMAGES, OVERVIEW, ROOT_METADATA, STORE_CHECKSUMS, bytes_at_most,
    is_array_metadata, shard_number,
};
use rxrx_format::{
    Checksums, Sha256Sum, SwitchMark, checksum_list, parse_checksums, parse_json, remove_switch,
};
use rxrx_reader::{DatasetError, parse_root, root_bytes};
use rxrx_storage::Store;
use sha2::{Digest, Sha256};

use super::error::PublishError;
use crate::output::{Plan, card, card_changes};

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
    /// Objects that are put from here: the root and the list of checksums, which are read
    /// once, and metadata that were changed for the address.
    in_memory: BTreeMap<String, Vec<u8>>,
    /// The checksum of the card as the program wrote it, where `SHA256SUMS` does not list it.
    card_sha256: Option<String>,
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
        let card_sha256 = parse_root(&root, name)?.attributes.card_sha256;
        let missing = |key: &str| damaged(name, key, "is missing");
        let list = store.get_at_most(CHECKSUMS, bytes_at_most(CHECKSUMS))?;
        let list = list.ok_or_else(|| missing(CHECKSUMS))?;
        let mut sums: Checksums = std::str::from_utf8(&list)
            .ok()
            .and_then(|list| parse_checksums(list).ok())
            .ok_or_else(|| damaged(name, CHECKSUMS, "is not a list of checksums"))?;
        sums.insert(CHECKSUMS.to_owned(), Sha256::digest(&list).into());
        let card_sha256 = card_sha256.filter(|_| !sums.contains_key(CARD));
        if card_sha256.is_some() {
            // People edit it, so whatever it holds is published.
            let card = card(store)?.ok_or_else(|| missing(CARD))?;
            sums.insert(CARD.to_owned(), Sha256::digest(&card).into());
        }
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
            in_memory: [(ROOT_METADATA, root), (CHECKSUMS, list)]
                .map(|(key, bytes)| (key.to_owned(), bytes))
                .into(),
            card_sha256,
        };
        source.get(ROOT_METADATA)?;
        Ok(source)
    }

    /// Returns the root metadata.
    pub(super) fn root(&self) -> &[u8] {
        self.in_memory.get(ROOT_METADATA).map_or(&[], Vec::as_slice)
    }

    /// Returns what is carried out to publish the dataset.
    pub(super) fn plan(&self) -> Plan {
        let keys = || self.objects.keys().map(String::as_str);
        let array = |key| {
            let name = str::strip_suffix(key, "/zarr.json")?;
            name.strip_prefix(GROUP)?.strip_prefix('/')
        };
        let labels = keys().filter_map(array);
        let labels = labels.filter(|name| ![IMAGES, OVERVIEW].contains(name));
        Plan::Publish {
            root_sha256: hex::encode(Sha256::digest(self.root())),
            units: keys()
                .filter_map(shard_number)
                .max()
                .map_or(0, |last| last + 1),
            labels: labels.map(str::to_owned).collect(),
        }
    }

    /// Gives the metadata the attribute of the switch that has put them at the address.
    pub(super) fn with_switch(mut self, mark: &SwitchMark) -> Result<Self, PublishError> {
        let is_metadata = |key: &&String| *key == ROOT_METADATA || is_array_metadata(key);
        let keys: Vec<String> = self.objects.keys().filter(is_metadata).cloned().collect();
        for key in keys {
            let (bytes, _) = self.get(&key)?;
            let parsed = parse_json(&bytes);
            let mut metadata = parsed.map_err(|_| damaged(self.name, &key, "is not JSON"))?;
            // It may have been switched where it is.
            remove_switch(&mut metadata);
            mark.add_to(&mut metadata);
            self.replace(key, format!("{metadata:#}\n").into_bytes());
        }
        let sums = self.objects.iter();
        let sums = sums.filter(|(key, _)| *key != CHECKSUMS && self.has_fixed_content(key));
        let sums = sums.map(|(key, recorded)| (key.clone(), recorded.sha256));
        let list = checksum_list(&sums.collect());
        self.replace(CHECKSUMS.to_owned(), list.into_bytes());
        Ok(self)
    }

    /// Keeps the card at `place`, where the same dataset is, if somebody has edited it there.
    /// Returns how the card of the source differs from that.
    pub(super) fn keep_edited_card(
        &mut self,
        place: &dyn Store,
    ) -> Result<Option<String>, PublishError> {
        let (Some(written), Some(there)) = (self.card_sha256.clone(), card(place)?) else {
            return Ok(None);
        };
        let (new, recorded) = self.get(CARD)?;
        let sha256 = hex::encode(Sha256::digest(&there));
        if sha256 == written || sha256 == hex::encode(recorded.sha256) {
            return Ok(None);
        }
        let changes = card_changes(&there, &new);
        self.replace(CARD.to_owned(), there);
        Ok(Some(changes))
    }

    /// Whether the store records its checksum of an object at the end.
    pub(super) fn is_recorded(&self, key: &str) -> bool {
        key != ROOT_METADATA && self.has_fixed_content(key)
    }

    /// Whether nobody edits an object: people edit a card that is in no list.
    fn has_fixed_content(&self, key: &str) -> bool {
        key != CARD || self.card_sha256.is_none()
    }

    fn replace(&mut self, key: String, bytes: Vec<u8>) {
        let recorded = Recorded {
            bytes: bytes.len() as u64,
            sha256: Sha256::digest(&bytes).into(),
        };
        self.objects.insert(key.clone(), recorded);
        self.in_memory.insert(key, bytes);
    }

    /// Returns the bytes of an object and what is recorded of it.
    ///
    /// # Errors
    /// [`PublishError::Damaged`] when the object has another checksum.
    pub(super) fn get(&self, key: &str) -> Result<(Vec<u8>, Recorded), PublishError> {
        let missing = || damaged(self.name, key, "is missing");
        let recorded = *self.objects.get(key).ok_or_else(missing)?;
        let bytes = match self.in_memory.get(key) {
            Some(bytes) => bytes.clone(),
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
