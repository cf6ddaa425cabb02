//! What runs that have ended left at OUTPUT and beside it.

use std::collections::BTreeSet;
use std::time::Duration;

use rxrx_storage::{StoredObject, for_each_concurrent};

use super::error::OutputError;
use super::locked::LockedOutput;
use super::recorded_state::Phase;
use super::run_folder::is_run_folder;
use crate::journal;

/// Objects that are removed at once.
const AT_ONCE: usize = 8;

/// Objects that no state names.
#[derive(Debug, Default)]
pub(crate) struct Remains {
    /// Objects of run folders, by their keys in the work folder.
    pub(crate) full: Vec<StoredObject>,
    /// Empty objects of run folders that can be removed.
    pub(crate) emptied: Vec<StoredObject>,
    /// The number of empty objects that must stay yet.
    pub(crate) waiting: usize,
    /// Objects at OUTPUT that belong to no dataset any more.
    pub(crate) left_behind: Vec<StoredObject>,
    /// Objects at OUTPUT of a run that is given up.
    pub(crate) abandoned: Vec<StoredObject>,
    /// Entries of the journal of that run, by their keys in the work folder.
    pub(crate) journal: Vec<StoredObject>,
}

impl LockedOutput {
    /// Finds what is left. Objects of a run folder that have been empty for `age` can be
    /// removed. With `abandons`, what the state names as unfinished is left, too.
    pub(crate) fn remains(&self, age: Duration, abandons: bool) -> Result<Remains, OutputError> {
        let place = self.place();
        let named = self.next().filter(|_| !abandons).map(|next| next.folder);
        let mut remains = Remains::default();
        let old: BTreeSet<String> = place.old_work_keys(age)?.into_iter().collect();
        let is_building = self.is_building();
        for object in place.work_store().list()? {
            let top = object.key.split('/').next().unwrap_or_default();
            if is_run_folder(top) && named.as_deref() != Some(top) {
                match object.size {
                    0 if old.contains(&object.key) => remains.emptied.push(object),
                    0 => remains.waiting += 1,
                    _ => remains.full.push(object),
                }
            } else if journal::is_entry(top) && (abandons || !is_building) {
                remains.journal.push(object);
            }
        }
        let ours = self.own_keys()?;
        let left = self.left_behind();
        for object in place.store().list()? {
            if is_building && abandons && ours.contains(&object.key) {
                remains.abandoned.push(object);
            } else if left.contains(&object.key) {
                remains.left_behind.push(object);
            }
        }
        Ok(remains)
    }

    /// Removes what was found, and records the state without it. Releases the lock.
    pub(crate) fn remove_remains(
        self,
        remains: &Remains,
        abandons: bool,
    ) -> Result<(), OutputError> {
        let place = self.place().clone();
        let (store, work) = (place.store(), place.work_store());
        let is_building = self.is_building();
        if abandons {
            // From here on nobody goes on with it.
            let phase = match is_building {
                true => Phase::Incomplete,
                false => self.phase(),
            };
            self.record(phase, None)?;
        }
        let is_late = work.has_late_requests();
        for_each_concurrent(&remains.full, AT_ONCE, |object| match is_late {
            true => work.put(&object.key, &[]),
            false => work.remove(&object.key),
        })?;
        let work_objects: Vec<_> = remains.emptied.iter().chain(&remains.journal).collect();
        for_each_concurrent(&work_objects, AT_ONCE, |object| work.remove(&object.key))?;
        let objects: Vec<_> = remains
            .abandoned
            .iter()
            .chain(&remains.left_behind)
            .collect();
        for_each_concurrent(&objects, AT_ONCE, |object| store.remove(&object.key))?;
        place.remove_output()?;
        let is_empty = is_building && abandons;
        if !is_late && (is_empty || self.phase() == Phase::Sealed && self.next().is_none()) {
            self.release();
        } else if !remains.left_behind.is_empty() {
            self.leave_behind(BTreeSet::new());
            self.record(self.phase(), self.next())?;
        }
        Ok(())
    }
}
