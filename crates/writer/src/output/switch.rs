//! The switch: a dataset that was built in a run folder replaces what is at OUTPUT.
//!
//! 1. The state says `switching`. From here on only the same plan can go on, or another
//!    dataset that replaces this one.
//! 2. The root, then the `zarr.json` of every array, are replaced by a marker that no Zarr
//!    reader takes for its own and that names the holder of the lock.
//! 3. Other run folders are given up: a copy from there that arrives late finds another
//!    source than it asks for.
//! 4. The new objects are brought from the run folder.
//! 5. Objects that the new dataset lacks are removed. Where requests can arrive late they
//!    stay, because a removal could arrive when the key is in use again.
//! 6. `SHA256SUMS`, the `zarr.json` of every array and the root are put, each in place of the
//!    marker that was put there; the checksums of the store are recorded before the root.
//!
//! The caller then records `sealed` and removes the run folder. Whoever is interrupted
//! begins again with step 2, and brings what is not there yet.

use std::collections::{BTreeMap, BTreeSet};

use rxrx_format::keys::{
    CARD, CHECKSUMS, ROOT_METADATA, STORE_CHECKSUMS, bytes_at_most, is_array_metadata,
};
use rxrx_format::{Checksums, SwitchMark, checksum_list, parse_json};
use rxrx_storage::{Store, StoreError, StoreErrorKind, for_each_concurrent};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::card::{card, card_changes};
use super::error::OutputError;
use super::locked::LockedOutput;
use super::own_keys::recorded_checksums;
use super::recorded_state::{Next, Phase};
use super::run_folder::{RunFolder, is_run_folder};
use super::whole::{first_problem, is_metadata};
use crate::events::{Event, Observer};
use crate::store_checksums::record_store_checksums;

/// Objects that are brought at once.
const AT_ONCE: usize = 8;
/// How often an object that another process changes is looked at.
const LOOKS: usize = 5;

/// One switch.
pub(crate) struct Switch<'a> {
    lock: &'a LockedOutput,
    folder: RunFolder,
    next: Next,
    /// The list of checksums of the new dataset.
    checksums: Checksums,
    /// Keys of the objects at OUTPUT that were ours before the switch.
    former: BTreeSet<String>,
    observer: &'a dyn Observer,
}

impl<'a> Switch<'a> {
    /// Prepares the switch to `next`, whose folder must be whole.
    ///
    /// # Errors
    /// [`OutputError::NewNotWhole`]; nothing was changed.
    pub(crate) fn to(
        next: Next,
        lock: &'a LockedOutput,
        observer: &'a dyn Observer,
    ) -> Result<Self, OutputError> {
        let folder = lock.place().run_folder(&next.folder);
        let switch = Self {
            checksums: recorded_checksums(folder.dataset())?,
            former: folder.former()?.into_iter().collect(),
            lock,
            folder,
            next,
            observer,
        };
        switch.demand_whole()?;
        Ok(switch)
    }

    /// Carries it out. Returns the error of the flush of the root metadata, which a crash
    /// of the machine may therefore remove.
    pub(crate) fn run(&self) -> Result<Option<StoreError>, OutputError> {
        let phase = Phase::Switching(self.next.clone());
        if self.lock.phase() != phase {
            let keys = self.checksums.keys().cloned().collect();
            self.lock.refuse_occupied(&self.former, &keys)?;
            self.lock.check()?;
            self.lock.record(phase, None)?;
        } else if self.has_root()? {
            return Ok(None);
        }
        self.observer.notice(Event::Switching);
        let mark = SwitchMark {
            run: self.next.folder.clone(),
            holder: self.lock.nonce(),
        };
        self.put_markers(&mark)?;
        self.give_up_other_folders()?;
        self.bring_objects()?;
        self.remove_former()?;
        self.lock.check()?;
        self.put_metadata(&mark)
    }

    fn store(&self) -> &dyn Store {
        self.lock.place().store()
    }

    /// Demands that the root is in the run folder and that every other object is there or,
    /// where it is kept, at OUTPUT. Compares the checksums of small objects.
    fn demand_whole(&self) -> Result<(), OutputError> {
        let not_whole = |key: &str, problem| OutputError::NewNotWhole {
            folder: self.lock.place().in_work(self.folder.name()),
            key: key.to_owned(),
            problem,
        };
        // A kept object is at OUTPUT, and one that a disk without second names has brought.
        let (new, kept) = (self.folder.dataset(), Some(self.store()));
        match first_problem(&self.checksums, new, kept)? {
            Some((key, problem)) => Err(not_whole(&key, problem)),
            None => Ok(()),
        }
    }

    /// Returns whether the root at OUTPUT is the one of the new dataset, which is put last.
    fn has_root(&self) -> Result<bool, OutputError> {
        let at_most = bytes_at_most(ROOT_METADATA);
        let Some(root) = self.store().get_at_most(ROOT_METADATA, at_most)? else {
            return Ok(false);
        };
        if !self.store().has_late_requests() {
            let new = self.folder.dataset().get_at_most(ROOT_METADATA, at_most)?;
            return Ok(new.is_some_and(|new| new == root));
        }
        let root = parse_json(&root).unwrap_or_default();
        let mark = SwitchMark::of_metadata(&root);
        Ok(mark.is_some_and(|mark| mark.run == self.next.folder))
    }

    /// Replaces the root, then the metadata of every array, by the marker.
    fn put_markers(&self, mark: &SwitchMark) -> Result<(), OutputError> {
        let marker = mark.marker();
        self.lock.put_marker(ROOT_METADATA, &marker)?;
        let former = self.former.iter().filter(|key| is_array_metadata(key));
        let new = self.checksums.keys().filter(|key| is_array_metadata(key));
        let arrays: BTreeSet<&String> = former.chain(new).collect();
        let arrays: Vec<&String> = arrays.into_iter().collect();
        for_each_concurrent(&arrays, AT_ONCE, |key| self.lock.put_marker(key, &marker))
    }

    /// Gives up the run folders that are no longer used.
    fn give_up_other_folders(&self) -> Result<(), OutputError> {
        let place = self.lock.place();
        // One that is to replace this dataset in turn is not given up.
        let next = self.lock.next().map(|next| next.folder);
        let objects = place.work_store().list()?.into_iter();
        let folders = objects.filter_map(|object| Some(object.key.split_once('/')?.0.to_owned()));
        let folders: BTreeSet<String> = folders.filter(|folder| is_run_folder(folder)).collect();
        let is_used =
            |folder: &String| *folder == self.next.folder || next.as_ref() == Some(folder);
        for folder in folders.iter().filter(|folder| !is_used(folder)) {
            place.run_folder(folder).give_up()?;
        }
        Ok(())
    }

    /// Brings all objects but metadata and the list of checksums.
    fn bring_objects(&self) -> Result<(), OutputError> {
        let new = self.folder.dataset().list()?.into_iter();
        let mut keys: Vec<String> = new.map(|object| object.key).collect();
        keys.retain(|key| key == CARD || (self.checksums.contains_key(key) && !is_metadata(key)));
        if keys.iter().any(|key| key == CARD)
            && let Some(changes) = self.edited_card()?
        {
            keys.retain(|key| key != CARD);
            self.observer.notice(Event::CardKept { changes: &changes });
        }
        for_each_concurrent(&keys, AT_ONCE, |key| {
            let from = self.folder.dataset().full_key(key);
            match self.store().bring(&from, key) {
                // A disk without second names has brought it already.
                Err(error) if error.kind == StoreErrorKind::NotFound && !self.is_late() => {
                    match self.store().version(key)? {
                        Some(_) => Ok(()),
                        None => Err(error.into()),
                    }
                }
                brought => Ok(brought?),
            }
        })
    }

    /// Returns how the new card differs from the one at OUTPUT, if somebody has edited that.
    fn edited_card(&self) -> Result<Option<String>, OutputError> {
        if self.former.contains(CARD) {
            return Ok(None);
        }
        let there = card(self.store())?;
        let new = card(self.folder.dataset())?.unwrap_or_default();
        let edited = there.filter(|there| *there != new);
        Ok(edited.map(|there| card_changes(&there, &new)))
    }

    fn is_late(&self) -> bool {
        self.store().has_late_requests()
    }

    /// Removes the objects that the new dataset lacks, or tells that they stay.
    fn remove_former(&self) -> Result<(), OutputError> {
        let is_former = |key: &&String| {
            !self.checksums.contains_key(*key)
                && !matches!(
                    key.as_str(),
                    CARD | ROOT_METADATA | CHECKSUMS | STORE_CHECKSUMS
                )
        };
        let former: Vec<String> = self.former.iter().filter(is_former).cloned().collect();
        if self.is_late() {
            if !former.is_empty() {
                let objects = former.len();
                self.observer.notice(Event::LeftBehind { objects });
            }
            self.lock.leave_behind(former.into_iter().collect());
            return Ok(());
        }
        self.store().remove_all(&former)?;
        self.lock.place().remove_output()
    }

    /// Puts the list of checksums, the metadata of every array and the root.
    fn put_metadata(&self, mark: &SwitchMark) -> Result<Option<StoreError>, OutputError> {
        let mut metadata = BTreeMap::new();
        let mut checksums = self.checksums.clone();
        for (key, sha256) in checksums.iter_mut().filter(|(key, _)| is_metadata(key)) {
            let bytes = self.new_metadata(key, mark)?;
            *sha256 = Sha256::digest(&bytes).into();
            metadata.insert(key.clone(), bytes);
        }
        let list = checksum_list(&checksums);
        self.put_over(CHECKSUMS, list.as_bytes(), None)?;
        let marker = mark.marker();
        let root = metadata.remove(ROOT_METADATA).unwrap_or_default();
        let arrays: Vec<_> = metadata.into_iter().collect();
        for_each_concurrent(&arrays, AT_ONCE, |(key, bytes)| {
            self.put_over(key, bytes, Some(&marker))
        })?;
        let keys = checksums.keys().map(String::as_str);
        let keys = keys.filter(|key| *key != ROOT_METADATA).chain([CHECKSUMS]);
        record_store_checksums(self.store(), &keys.collect::<Vec<_>>())?;
        match self.put_over(ROOT_METADATA, &root, Some(&marker)) {
            Err(OutputError::Store(error)) if error.action == "flush" => {
                let there = self.store().get(ROOT_METADATA)?;
                match there.is_some_and(|there| there == root) {
                    true => Ok(Some(error)),
                    false => Err(error.into()),
                }
            }
            put => put.map(|()| None),
        }
    }

    /// Returns new metadata. Where requests can arrive late they name the switch, so that no
    /// two datasets under one key have the same ETag.
    fn new_metadata(&self, key: &str, mark: &SwitchMark) -> Result<Vec<u8>, OutputError> {
        let damaged = || OutputError::NewNotWhole {
            folder: self.lock.place().in_work(self.folder.name()),
            key: key.to_owned(),
            problem: "is damaged",
        };
        let bytes = self.folder.dataset().get_at_most(key, bytes_at_most(key))?;
        let bytes = bytes.ok_or_else(damaged)?;
        if !self.is_late() {
            return Ok(bytes);
        }
        let mut metadata: Value = parse_json(&bytes).map_err(|_| damaged())?;
        mark.add_to(&mut metadata);
        Ok(format!("{metadata:#}\n").into_bytes())
    }

    /// Puts an object in place of `before`, or of anything.
    fn put_over(&self, key: &str, bytes: &[u8], before: Option<&[u8]>) -> Result<(), OutputError> {
        for _ in 0..LOOKS {
            let there = self.store().get_version(key, bytes_at_most(key))?;
            let found = there.as_ref().map(|(found, _)| found.as_slice());
            if found == Some(bytes) {
                return Ok(self.store().flush_name(key)?);
            }
            if before.is_some() && found != before {
                break;
            }
            let version = there.as_ref().map(|(_, version)| version);
            if self.store().put_if(key, bytes, version)?.is_some() {
                return Ok(());
            }
        }
        Err(self.changed(key))
    }

    fn changed(&self, key: &str) -> OutputError {
        OutputError::Changed {
            object: self.lock.place().output().join(key),
        }
    }
}
