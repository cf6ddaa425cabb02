//! A run folder: a dataset that is built beside OUTPUT, to replace what is there.
//!
//! | key in the work folder | content |
//! |---|---|
//! | `run-NONCE/former.json` | keys of the objects at OUTPUT that are ours |
//! | `run-NONCE/units/N.json` | the journal |
//! | `run-NONCE/dataset/KEY` | the new objects, those of the dataset that are not kept |
//!
//! The folder is whole when the root metadata are in it, which are put last.

use std::sync::Arc;

use rxrx_storage::{Store, StoreError, for_each_concurrent, new_nonce};

use super::error::OutputError;
use super::prefixed_store::PrefixedStore;
use crate::journal::{Journal, encode_entry, parse_entry};

/// Start of the name of a run folder.
const RUN_FOLDER: &str = "run-";
const FORMER: &str = "former.json";
/// Largest list of keys that is read: 5 million keys of 100 bytes.
const FORMER_BYTES_AT_MOST: u64 = 512 << 20;

/// Objects that are emptied at once.
const AT_ONCE: usize = 8;

/// Makes the name of a new run folder.
pub(super) fn new_run_folder() -> Result<String, OutputError> {
    Ok(format!("{RUN_FOLDER}{}", new_nonce()?))
}

/// Returns whether a run folder has that name.
pub(crate) fn is_run_folder(name: &str) -> bool {
    let nonce = name.strip_prefix(RUN_FOLDER);
    nonce.is_some_and(|nonce| {
        nonce.len() == 32 && nonce.bytes().all(|digit| digit.is_ascii_hexdigit())
    })
}

/// A run folder with its stores.
pub(crate) struct RunFolder {
    name: String,
    entries: PrefixedStore,
    dataset: PrefixedStore,
}

impl RunFolder {
    /// Returns the run folder with that name in the work folder `work`.
    pub(super) fn new(work: &Arc<dyn Store>, name: &str) -> Self {
        let below = |prefix| PrefixedStore::new(Arc::clone(work), prefix);
        Self {
            name: name.to_owned(),
            entries: below(format!("{name}/")),
            dataset: below(format!("{name}/dataset/")),
        }
    }

    /// Returns the name.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Returns the store of the new objects.
    pub(crate) fn dataset(&self) -> &PrefixedStore {
        &self.dataset
    }

    /// Returns the journal.
    pub(crate) fn journal(&self) -> Journal<'_> {
        Journal::new(&self.entries)
    }

    /// Records the keys of the objects at OUTPUT that are ours.
    pub(super) fn put_former(&self, keys: &[String]) -> Result<(), OutputError> {
        let list = encode_entry(FORMER, &keys)?;
        Ok(self.entries.put(FORMER, &[&list])?)
    }

    /// Reads the keys of the objects at OUTPUT that are ours.
    pub(super) fn former(&self) -> Result<Vec<String>, OutputError> {
        let list = self.entries.get_at_most(FORMER, FORMER_BYTES_AT_MOST)?;
        Ok(parse_entry(FORMER, &list.unwrap_or_default())?)
    }

    /// Gives the folder up. On a disk it is removed. Where requests can arrive late, its
    /// objects become empty and stay: a put that arrives late does not make them again, and
    /// a copy that arrives late finds another source than it asks for.
    pub(super) fn give_up(&self) -> Result<(), StoreError> {
        let objects = self.entries.list()?;
        if !self.entries.has_late_requests() {
            let keys: Vec<String> = objects.into_iter().map(|object| object.key).collect();
            return self.entries.remove_all(&keys);
        }
        for_each_concurrent(&objects, AT_ONCE, |object| {
            if object.size > 0 {
                self.entries.put(&object.key, &[])?;
            }
            Ok(())
        })
    }
}
