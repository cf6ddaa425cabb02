//! One publication: from what is at the address to the dataset.

use std::collections::BTreeMap;

use rxrx_format::keys::{ROOT_METADATA, Stage};
use rxrx_reader::{Owner, root_bytes};
use rxrx_storage::{Remote, StoreErrorKind, for_each_concurrent};
use sha2::{Digest, Sha256};

use super::changes::Changes;
use super::error::PublishError;
use super::report::{PublishOptions, Published};
use super::source::{AT_ONCE, SourceDataset};
use crate::events::{Event, Observer};
use crate::output::{LockedOutput, OutputError, OutputLocation, OutputState};

/// One call of [`publish`](super::publish).
pub(super) struct Publication<'a> {
    pub(super) source: SourceDataset<'a>,
    pub(super) place: &'a OutputLocation,
    /// The address of `place`.
    pub(super) remote: &'a Remote,
    pub(super) options: PublishOptions,
    pub(super) observer: &'a dyn Observer,
}

impl Publication<'_> {
    /// Finds out what would be done, and reads the source once.
    pub(super) fn dry_run(&self) -> Result<Published, PublishError> {
        self.demand_free()?;
        let changes = self.changes()?;
        let all: Vec<&String> = self.source.objects.keys().collect();
        self.check_source(&all)?;
        Ok(changes.summary(&self.source))
    }

    /// Publishes the dataset at the address, which is locked.
    pub(super) fn run(&self, lock: LockedOutput) -> Result<Published, PublishError> {
        if !lock.is_exclusive() {
            self.observer.notice(Event::NotExclusive);
        }
        let state = self.demand_free()?;
        let changes = self.changes()?;
        if changes.any() && (changes.has_root || !changes.remove.is_empty()) {
            lock.demand_exclusive()?;
        }
        // The objects to be put are read and checked when they are put.
        self.check_source(&changes.keep.iter().collect::<Vec<_>>())?;
        if matches!(state, OutputState::Unfinished(_) | OutputState::Damaged(_)) {
            let journal = self.place.journal();
            journal.clear()?;
            journal.end()?;
        }
        self.apply(&changes, &lock)?;
        let mut published = changes.summary(&self.source);
        if changes.any() && !changes.put.contains(ROOT_METADATA) {
            // The root was removed and put again.
            published.uploaded += 1;
            published.kept -= 1;
        }
        if self.options.verify {
            published.verified = Some(self.read_back()?);
        }
        lock.release();
        Ok(published)
    }

    /// Demands that the address holds nothing, this dataset, or something that
    /// may be replaced. Returns its state. Reads its root metadata once.
    fn demand_free(&self) -> Result<OutputState, PublishError> {
        let occupied = |what: &'static str| PublishError::Occupied {
            place: self.place.output().clone(),
            what,
        };
        let overwrite = self.options.overwrite;
        let root = root_bytes(self.place.store())?;
        let state = self.place.state_with_root(root.as_deref())?;
        if matches!(state, OutputState::Unfinished(_) | OutputState::Damaged(_)) && !overwrite {
            return Err(occupied("the unfinished work of a conversion"));
        }
        if Owner::of_root_metadata(root.as_deref()) == Owner::Other {
            let path = self.place.output().clone();
            return Err(OutputError::Foreign { path }.into());
        }
        let ours = self.source.objects.get(ROOT_METADATA);
        if let Some(root) = &root
            && !overwrite
            && ours.is_none_or(|ours| Sha256::digest(root)[..] != ours.sha256)
        {
            return Err(occupied("another dataset"));
        }
        self.place.refuse_foreign_files()?;
        Ok(state)
    }

    fn changes(&self) -> Result<Changes, PublishError> {
        let journal = self.place.journal();
        Changes::find(&self.source, self.remote, self.place.store(), &journal)
    }

    /// Demands that these objects of the source have the recorded checksums.
    fn check_source(&self, keys: &[&String]) -> Result<(), PublishError> {
        let objects = keys.len();
        self.observer.notice(Event::Checking { objects });
        for_each_concurrent(keys, AT_ONCE.get(), |key| {
            let (_, recorded) = self.source.get(key)?;
            let bytes = recorded.bytes;
            self.observer.notice(Event::ObjectDone { key, bytes });
            Ok(())
        })
    }

    /// Makes the changes, the root metadata last.
    fn apply(&self, changes: &Changes, lock: &LockedOutput) -> Result<(), PublishError> {
        let store = self.place.store();
        if changes.any() && changes.has_root {
            store.remove(ROOT_METADATA)?;
        }
        store.remove_all(&changes.remove)?;
        self.observer.notice(Event::Publishing {
            objects: changes.put.len(),
        });
        for stage in Stage::ALL.into_iter().filter(|stage| *stage != Stage::Root) {
            let in_stage = changes.put.iter().filter(|key| Stage::of(key) == stage);
            let in_stage: Vec<&String> = in_stage.collect();
            for_each_concurrent(&in_stage, AT_ONCE.get(), |key| self.put(key))?;
        }
        if changes.any() {
            self.demand_stored()?;
            lock.check()?;
            self.put(ROOT_METADATA)?;
        }
        Ok(())
    }

    /// Reads an object of the source, compares its checksum and puts it.
    fn put(&self, key: &str) -> Result<(), PublishError> {
        let (object, recorded) = self.source.get(key)?;
        let sha256 = hex::encode(recorded.sha256);
        let store = self.place.store();
        store.put_with_checksum(key, &object, &sha256)?;
        let bytes = recorded.bytes;
        self.observer.notice(Event::ObjectDone { key, bytes });
        Ok(())
    }

    /// Demands that every object but the root exists with the right size.
    fn demand_stored(&self) -> Result<(), PublishError> {
        let existing = self.place.store().list()?.into_iter();
        let sizes: BTreeMap<String, u64> =
            existing.map(|object| (object.key, object.size)).collect();
        for (key, recorded) in &self.source.objects {
            let problem = match sizes.get(key) {
                _ if key == ROOT_METADATA => continue,
                Some(size) if *size == recorded.bytes => continue,
                Some(size) => format!("has {size} bytes, not {}", recorded.bytes),
                None => "is gone".to_owned(),
            };
            return Err(self.not_stored(key, problem));
        }
        Ok(())
    }

    /// Reads back every object.
    fn read_back(&self) -> Result<usize, PublishError> {
        let objects: Vec<_> = self.source.objects.iter().collect();
        self.observer.notice(Event::Checking {
            objects: objects.len(),
        });
        for_each_concurrent(&objects, AT_ONCE.get(), |(key, recorded)| {
            let found = match self.remote.get_at_most(key, recorded.bytes) {
                Err(error) if error.kind == StoreErrorKind::TooLarge => None,
                found => found?,
            };
            if found.is_none_or(|found| Sha256::digest(&found)[..] != recorded.sha256) {
                // Without a root, nobody takes it for a dataset.
                self.place.store().remove(ROOT_METADATA)?;
                return Err(self.not_stored(key, "has other bytes now".to_owned()));
            }
            let bytes = recorded.bytes;
            self.observer.notice(Event::ObjectDone { key, bytes });
            Ok(())
        })?;
        Ok(objects.len())
    }

    fn not_stored(&self, key: &str, problem: String) -> PublishError {
        PublishError::NotStored {
            place: self.place.output().clone(),
            key: key.to_owned(),
            problem,
        }
    }
}
