//! What of an unfinished run still counts.
//!
//! A unit is done when its record is whole, its shard has the recorded size
//! (with `recheck`: the recorded SHA-256), and every image file is as it was
//! when it was read. Anything else is converted again.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use rayon::prelude::*;
use rxrx_input::Source;
use rxrx_metadata::{Plan, SiteIndex, Unit};
use rxrx_storage::{Store, StoreError};
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::record::{PlaneRecord, StoredUnit, UnitRecord};
use super::run::{Journal, Records};

/// Examples kept of each kind.
const EXAMPLES: usize = 20;

/// What a continued run found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Resumed {
    /// Units that are done.
    pub done: usize,
    /// Units in all.
    pub units: usize,
    /// Records that were torn or damaged: units to be converted again.
    pub damaged_records: Vec<String>,
    /// Shards that are missing or not as recorded: units to be converted again.
    pub damaged_shards: Vec<String>,
    /// Image files that are not as they were when they were read, or could not
    /// be read.
    pub changed_images: SourceChanges,
    /// Image files that were not there before.
    pub added_images: SourceChanges,
}

/// Image files of one kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SourceChanges {
    /// How many.
    pub count: usize,
    /// The first few, by path inside INPUT.
    pub examples: Vec<String>,
}

impl SourceChanges {
    fn add(&mut self, path: &str) {
        self.count += 1;
        if self.examples.len() < EXAMPLES {
            self.examples.push(path.to_owned());
        }
    }
}

/// A run cannot be continued.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ResumeError {
    /// Image files were removed since they were converted.
    #[error(
        "images that are converted already are no longer in the input: {} (for example {}); \
         put them back, or start over without them with --overwrite",
        .images.count, .images.examples.join(", ")
    )]
    Vanished {
        /// Which.
        images: SourceChanges,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The units of a run that was cut off.
#[derive(Debug, Default)]
pub(crate) struct Resume {
    /// The units that are done, by shard.
    pub(crate) done: Vec<StoredUnit>,
    /// The units to run, ascending.
    pub(crate) todo: Vec<Unit>,
    pub(crate) found: Resumed,
}

/// What became of the image of one plane since it was recorded.
enum Change {
    Changed,
    Added,
    Vanished,
}

/// Why a unit is not done.
enum Verdict {
    Done,
    DamagedShard,
    Sources(Vec<(String, Change)>),
}

/// Where the records of the units are.
pub(crate) enum Recorded<'a> {
    /// Of an unfinished run.
    InJournal(&'a Journal<'a>),
    /// Of a finished one: as its tables tell.
    InTables(&'a [UnitRecord]),
}

/// Sorts the units of `plan` into done and to do.
pub(crate) fn resume(
    plan: &Plan,
    recorded: Recorded<'_>,
    source: &dyn Source,
    output: &dyn Store,
    recheck: bool,
) -> Result<Resume, ResumeError> {
    let objects = output.list()?.into_iter();
    let sizes: BTreeMap<String, u64> = objects.map(|object| (object.key, object.size)).collect();
    // Nothing for a record of another plan.
    let judge = |record: &UnitRecord| -> Result<Option<(StoredUnit, Verdict)>, StoreError> {
        if !record.fits(plan) {
            return Ok(None);
        }
        let stored = StoredUnit::from(record);
        let key = stored.shard_key();
        if sizes.get(&key) != Some(&stored.bytes) || recheck && !is_intact(output, &stored)? {
            return Ok(Some((stored, Verdict::DamagedShard)));
        }
        let changes = changes(plan, record, source);
        let verdict = if changes.is_empty() {
            Verdict::Done
        } else {
            Verdict::Sources(changes)
        };
        Ok(Some((stored, verdict)))
    };
    let judged = match recorded {
        Recorded::InJournal(journal) => journal.each(|record| judge(&record))?,
        Recorded::InTables(units) => Records {
            whole: units.par_iter().map(judge).collect::<Result<_, _>>()?,
            damaged: Vec::new(),
        },
    };

    let mut resume = Resume {
        found: Resumed {
            units: plan.units().len(),
            damaged_records: judged.damaged,
            ..Resumed::default()
        },
        ..Resume::default()
    };
    let mut vanished = SourceChanges::default();
    for (stored, verdict) in judged.whole.into_iter().flatten() {
        match verdict {
            Verdict::Done => resume.done.push(stored),
            Verdict::DamagedShard => resume.found.damaged_shards.push(stored.shard_key()),
            Verdict::Sources(changes) => {
                for (path, change) in changes {
                    match change {
                        Change::Changed => resume.found.changed_images.add(&path),
                        Change::Added => resume.found.added_images.add(&path),
                        Change::Vanished => vanished.add(&path),
                    }
                }
            }
        }
    }
    if vanished.count > 0 {
        return Err(ResumeError::Vanished { images: vanished });
    }
    resume.found.done = resume.done.len();
    let is_done = |unit: &Unit| {
        let by_shard = |stored: &StoredUnit| stored.unit.shard;
        resume
            .done
            .binary_search_by_key(&unit.shard, by_shard)
            .is_ok()
    };
    resume.todo = plan.units().filter(|unit| !is_done(unit)).collect();
    Ok(resume)
}

/// Whether the stored shard has the recorded hash.
pub(crate) fn is_intact(output: &dyn Store, stored: &StoredUnit) -> Result<bool, StoreError> {
    let shard = output.get(&stored.shard_key())?;
    Ok(shard.is_some_and(|shard| Sha256::digest(shard)[..] == stored.sha256))
}

/// What happened to the images of a unit since it was recorded.
fn changes(plan: &Plan, record: &UnitRecord, source: &dyn Source) -> Vec<(String, Change)> {
    let channels = plan.geometry().channels;
    let mut changes = Vec::new();
    for (position, plane) in record.planes.iter().enumerate() {
        let site = SiteIndex(record.unit.sites.start + position / channels);
        let path = plan.source(site, position % channels);
        let change = match (plane, &path) {
            (PlaneRecord::Missing, None) => continue,
            (PlaneRecord::Missing, Some(_)) => Change::Added,
            (PlaneRecord::Ok { .. }, None) => Change::Vanished,
            (PlaneRecord::Corrupt { .. }, None) => Change::Changed,
            (PlaneRecord::Ok { source: then, .. }, Some(path)) => match source.stamp(path) {
                Ok(now) if then.may_be(now) => continue,
                Ok(_) => Change::Changed,
                Err(_) => Change::Vanished,
            },
            // One that could not be read is tried again.
            (PlaneRecord::Corrupt { source: then, .. }, Some(path)) => {
                let now = source.stamp(path).ok();
                match then.zip(now) {
                    Some((then, now)) if then.may_be(now) => continue,
                    _ => Change::Changed,
                }
            }
        };
        let site_id = || plan.table().site_id(site.0).unwrap_or_default().to_owned();
        changes.push((path.unwrap_or_else(site_id), change));
    }
    changes
}
