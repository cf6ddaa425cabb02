//! One publication: from what is at the address to the dataset.

use std::collections::{BTreeMap, BTreeSet};

use rxrx_format::keys::{ROOT_METADATA, STORE_CHECKSUMS, Stage};
use rxrx_format::{SwitchMark, parse_json, remove_switch};
use rxrx_reader::{Owner, root_bytes};
use rxrx_storage::{Remote, Store, StoreErrorKind, for_each_concurrent};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::changes::Changes;
use super::error::PublishError;
use super::report::{PublishOptions, Published};
use super::source::{AT_ONCE, SourceDataset};
use crate::events::{Event, Observer};
use crate::output::{
    LockedOutput, Next, OutputError, OutputLocation, OutputState, RunFolder, Switch, own_keys,
};
use crate::store_checksums::record_store_checksums;

/// One call of [`publish`](super::publish).
pub(super) struct Publication<'a> {
    pub(super) source: SourceDataset<'a>,
    pub(super) place: &'a OutputLocation,
    /// The address of `place`.
    pub(super) remote: &'a Remote,
    pub(super) options: PublishOptions,
    pub(super) observer: &'a dyn Observer,
}

/// How the dataset gets to the address.
enum Way {
    /// The address is free.
    There,
    /// A publication of the dataset is unfinished.
    GoOn,
    /// The dataset is there; an object of it may be damaged. Its metadata have this mark.
    Mend(Option<SwitchMark>),
    /// The dataset is put into a run folder and takes the place of what is there.
    Beside,
    /// The dataset is in that run folder already.
    Switch(Box<Next>),
}

impl Publication<'_> {
    /// Finds out what would be done, and reads the source once.
    pub(super) fn dry_run(self) -> Result<Published, PublishError> {
        let root = root_bytes(self.place.store())?;
        let state = self.place.state_with_root(root.as_deref())?;
        let way = self.way(&state, root.as_deref())?;
        let (publication, way) = self.prepared(way)?;
        let changes = Changes::find(&publication.source, publication.remote)?;
        let changes = match way {
            Way::Beside | Way::Switch(_) => changes.with_metadata(),
            Way::There | Way::GoOn | Way::Mend(_) => changes,
        };
        let all: Vec<&String> = publication.source.objects.keys().collect();
        publication.check_source(&all)?;
        Ok(Published {
            left_behind: publication.left_behind()?,
            ..changes.summary(&publication.source)
        })
    }

    /// Publishes the dataset at the address, which is locked.
    pub(super) fn run(self, lock: LockedOutput) -> Result<Published, PublishError> {
        if !lock.is_exclusive() {
            self.observer.notice(Event::NotExclusive);
        }
        let root = root_bytes(self.place.store())?;
        let state = lock.state_with_root(root.as_deref())?;
        let way = self.way(&state, root.as_deref())?;
        let (publication, way) = self.prepared(way)?;
        let published = match way {
            Way::There => {
                lock.begin(publication.source.plan())?;
                publication.put_there(&lock)?
            }
            Way::GoOn => {
                lock.go_on()?;
                publication.put_there(&lock)?
            }
            Way::Mend(_) => publication.put_there(&lock)?,
            Way::Beside => publication.put_beside(&lock)?,
            Way::Switch(next) => {
                Switch::to(*next, &lock, publication.observer)?.run()?;
                let changes = Changes {
                    keep: publication.source.objects.keys().cloned().collect(),
                    ..Changes::default()
                };
                changes.summary(&publication.source)
            }
        };
        lock.release();
        Ok(published)
    }

    /// Returns the way to the dataset from what is at the address.
    fn way(&self, state: &OutputState, root: Option<&[u8]>) -> Result<Way, PublishError> {
        let occupied = |what: &'static str| PublishError::Occupied {
            place: self.place.output().clone(),
            what,
        };
        let beside = |what| match self.options.overwrite {
            true => Ok(Way::Beside),
            false => Err(occupied(what)),
        };
        if Owner::of_root_metadata(root) == Owner::Other {
            let path = self.place.output().clone();
            return Err(OutputError::Foreign { path }.into());
        }
        self.place.refuse_nested()?;
        self.place.refuse_foreign_files()?;
        match (state, root) {
            (OutputState::Free, _) => Ok(Way::There),
            (OutputState::Foreign, _) => self.way_over_objects(),
            (OutputState::Switching(next), _) if next.plan == self.source.plan() => {
                Ok(Way::Switch(next.clone()))
            }
            (OutputState::Switching(_), _) => beside("a dataset that is being replaced"),
            (OutputState::Sealed(_), Some(root)) => match self.mark_of_same(root) {
                Some(mark) => Ok(Way::Mend(mark)),
                None => beside("another dataset"),
            },
            (OutputState::Unpublished(plan), _) if **plan == self.source.plan() => Ok(Way::GoOn),
            (OutputState::Unpublished(_), _) => {
                beside("the unfinished publication of another dataset")
            }
            _ => beside("the unfinished work of a conversion"),
        }
    }

    /// Accepts objects without a root and without a state, if all of them are those of the
    /// dataset: another tool may have copied a part of it.
    fn way_over_objects(&self) -> Result<Way, PublishError> {
        let objects = self.place.store().list()?.into_iter();
        let mut others = objects.filter(|object| {
            object.key != STORE_CHECKSUMS && !self.source.objects.contains_key(&object.key)
        });
        match others.next() {
            None => Ok(Way::There),
            Some(object) => Err(OutputError::ForeignFile {
                path: self.place.output().join(&object.key),
            }
            .into()),
        }
    }

    /// Whether the root at the address is that of the dataset, but for the mark of a switch,
    /// which is returned.
    fn mark_of_same(&self, root: &[u8]) -> Option<Option<SwitchMark>> {
        if root == self.source.root() {
            return Some(None);
        }
        let without = |root: &[u8]| -> Option<(Value, Option<SwitchMark>)> {
            let mut root = parse_json(root).ok()?;
            let mark = SwitchMark::of_metadata(&root);
            remove_switch(&mut root);
            Some((root, mark))
        };
        let (there, mark) = without(root)?;
        let (here, _) = without(self.source.root())?;
        (there == here).then_some(mark)
    }

    /// Gives the metadata of the source the mark that those at the address have, and keeps a
    /// card there that somebody has edited.
    fn prepared(self, way: Way) -> Result<(Self, Way), PublishError> {
        let mut source = match &way {
            Way::Mend(Some(mark)) => self.source.with_switch(mark)?,
            _ => self.source,
        };
        if matches!(way, Way::Mend(_))
            && let Some(changes) = source.keep_edited_card(self.place.store())?
        {
            self.observer.notice(Event::CardKept { changes: &changes });
        }
        Ok((Self { source, ..self }, way))
    }

    /// Puts what is missing or damaged at the address, the root metadata last.
    fn put_there(&self, lock: &LockedOutput) -> Result<Published, PublishError> {
        let changes = Changes::find(&self.source, self.remote)?;
        // The objects to be put are read and checked when they are put.
        self.check_source(&changes.keep.iter().collect::<Vec<_>>())?;
        self.put_all(&changes, self.place.store())?;
        self.demand_stored(self.place.store(), None)?;
        let mut published = changes.summary(&self.source);
        if self.options.verify {
            self.read_back(self.place.store(), None)?;
            published.verified = Some(self.source.objects.len());
        }
        let keys = self.source.objects.keys().map(String::as_str);
        let keys: Vec<&str> = keys.filter(|key| self.source.is_recorded(key)).collect();
        record_store_checksums(self.place.store(), &keys)?;
        if changes.put.contains(ROOT_METADATA) {
            lock.check()?;
            self.put(self.place.store(), ROOT_METADATA)?;
        }
        Ok(published)
    }

    /// Puts what differs into a run folder, and lets it take the place of what is at the
    /// address.
    fn put_beside(&self, lock: &LockedOutput) -> Result<Published, PublishError> {
        let plan = self.source.plan();
        let goes_on = |next: &Next| next.plan == plan;
        let folder: RunFolder = lock.begin_next(plan.clone(), None, goes_on)?;
        let changes = Changes::find(&self.source, self.remote)?.with_metadata();
        self.check_source(&changes.keep.iter().collect::<Vec<_>>())?;
        let new = folder.dataset();
        self.put_all(&changes, new)?;
        let kept: BTreeSet<&String> = changes.keep.iter().collect();
        self.demand_stored(new, Some(&kept))?;
        let mut published = changes.summary(&self.source);
        if self.options.verify {
            self.read_back(new, Some(&kept))?;
            published.verified = Some(self.source.objects.len());
        }
        self.put(new, ROOT_METADATA)?;
        published.left_behind = self.left_behind()?;
        let defect = || OutputError::Changed {
            object: self.place.output().clone(),
        };
        let next = lock.next().ok_or_else(defect)?;
        Switch::to(next, lock, self.observer)?.run()?;
        Ok(published)
    }

    /// Counts the objects of a former dataset that this one lacks.
    fn left_behind(&self) -> Result<usize, PublishError> {
        let ours = own_keys(self.place.store(), None)?.into_iter();
        let is_lacking =
            |key: &String| key != STORE_CHECKSUMS && !self.source.objects.contains_key(key);
        let lacking = ours.filter(is_lacking);
        Ok(lacking.count())
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

    /// Puts all objects of the changes but the root.
    fn put_all(&self, changes: &Changes, store: &dyn Store) -> Result<(), PublishError> {
        self.observer.notice(Event::Publishing {
            objects: changes.put.len(),
        });
        for stage in Stage::ALL.into_iter().filter(|stage| *stage != Stage::Root) {
            let in_stage = changes.put.iter().filter(|key| Stage::of(key) == stage);
            let in_stage: Vec<&String> = in_stage.collect();
            for_each_concurrent(&in_stage, AT_ONCE.get(), |key| self.put(store, key))?;
        }
        Ok(())
    }

    /// Reads an object of the source, compares its checksum and puts it.
    fn put(&self, store: &dyn Store, key: &str) -> Result<(), PublishError> {
        let (object, recorded) = self.source.get(key)?;
        let sha256 = hex::encode(recorded.sha256);
        store.put_with_checksum(key, &object, &sha256)?;
        let bytes = recorded.bytes;
        self.observer.notice(Event::ObjectDone { key, bytes });
        Ok(())
    }

    /// Demands that every object but the root, and but those that are kept, exists in
    /// `store` with the right size.
    fn demand_stored(
        &self,
        store: &dyn Store,
        kept: Option<&BTreeSet<&String>>,
    ) -> Result<(), PublishError> {
        let existing = store.list()?.into_iter();
        let sizes: BTreeMap<String, u64> =
            existing.map(|object| (object.key, object.size)).collect();
        for (key, recorded) in &self.source.objects {
            let is_kept = kept.is_some_and(|kept| kept.contains(key));
            let problem = match sizes.get(key) {
                _ if key == ROOT_METADATA || is_kept => continue,
                Some(size) if *size == recorded.bytes => continue,
                Some(size) => format!("has {size} bytes, not {}", recorded.bytes),
                None => "is gone".to_owned(),
            };
            return Err(self.not_stored(key, problem));
        }
        Ok(())
    }

    /// Reads back every object: those that are kept from the address, the others from
    /// `store`.
    fn read_back(
        &self,
        store: &dyn Store,
        kept: Option<&BTreeSet<&String>>,
    ) -> Result<(), PublishError> {
        let objects: Vec<_> = self.source.objects.iter().collect();
        self.observer.notice(Event::Checking {
            objects: objects.len(),
        });
        for_each_concurrent(&objects, AT_ONCE.get(), |(key, recorded)| {
            let store = match kept {
                Some(kept) if kept.contains(key) => self.place.store(),
                _ => store,
            };
            let found = match store.get_at_most(key, recorded.bytes) {
                Err(error) if error.kind == StoreErrorKind::TooLarge => None,
                found => found?,
            };
            // The root is put after the others were read.
            let is_to_come = *key == ROOT_METADATA && found.is_none();
            let is_right = found.is_some_and(|found| Sha256::digest(&found)[..] == recorded.sha256);
            if !is_to_come && !is_right {
                return Err(self.not_stored(key, "has other bytes now".to_owned()));
            }
            let bytes = recorded.bytes;
            self.observer.notice(Event::ObjectDone { key, bytes });
            Ok(())
        })
    }

    fn not_stored(&self, key: &str, problem: String) -> PublishError {
        PublishError::NotStored {
            place: self.place.output().clone(),
            key: key.to_owned(),
            problem,
        }
    }
}
