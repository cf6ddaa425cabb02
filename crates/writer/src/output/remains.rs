//! What runs that have ended left at OUTPUT and beside it.

use std::collections::BTreeSet;
use std::time::Duration;

use rxrx_storage::{StoredObject, Uploads, for_each_concurrent};

use super::error::OutputError;
use super::location::OutputLocation;
use super::locked::LockedOutput;
use super::recorded_state::{Next, Phase};
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
    /// Uploads that nobody has completed; `None` where nobody can tell.
    pub(crate) uploads: Option<Uploads>,
}

/// What the state says of the work folder.
struct Named<'a> {
    /// The run folder in use.
    folder: Option<&'a str>,
    /// Whether the journal is of use.
    journal: bool,
}

impl Named<'_> {
    /// Whether an object of the work folder, below the entry `top`, is left of a run that
    /// has ended.
    fn lacks(&self, top: &str) -> bool {
        match is_run_folder(top) {
            true => self.folder != Some(top),
            false => journal::is_entry(top) && !self.journal,
        }
    }
}

/// Returns the first part of a key.
fn top_of(key: &str) -> &str {
    key.split('/').next().unwrap_or_default()
}

impl OutputLocation {
    /// Finds what runs that have ended left at a complete OUTPUT and beside it, without the
    /// lock: [`LockedOutput::remains`] finds the same with it.
    pub(crate) fn leftovers(&self) -> Result<Vec<StoredObject>, OutputError> {
        // Listed before the state is read: a folder of a run at work is named by then.
        let mut left = self.work_store().list()?;
        let state = match self.recorded()?.state? {
            Some(state) if state.phase != Phase::Sealed => return Ok(Vec::new()),
            state => state,
        };
        let next: Option<&Next> = state.as_ref().and_then(|state| state.next.as_ref());
        let named = Named {
            folder: next.map(|next| next.folder.as_str()),
            journal: false,
        };
        left.retain(|object| named.lacks(top_of(&object.key)));
        if let Some(state) = state.filter(|state| !state.left_behind.is_empty()) {
            let there = self.store().list()?.into_iter();
            left.extend(there.filter(|object| state.left_behind.contains(&object.key)));
        }
        Ok(left)
    }
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
        let named = Named {
            folder: named.as_deref(),
            journal: is_building && !abandons,
        };
        let left = place.work_store().list()?.into_iter();
        for object in left.filter(|object| named.lacks(top_of(&object.key))) {
            match object.size {
                _ if !is_run_folder(top_of(&object.key)) => remains.journal.push(object),
                0 if old.contains(&object.key) => remains.emptied.push(object),
                0 => remains.waiting += 1,
                _ => remains.full.push(object),
            }
        }
        // Where the lock excludes nobody, they may be those of a run at work.
        if self.is_exclusive() {
            remains.uploads = place.unfinished_uploads()?;
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
        if let Some(uploads) = &remains.uploads {
            place.give_up_uploads(&uploads.dead)?;
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
