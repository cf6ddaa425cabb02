//! Which units of an interrupted run are done.
//!
//! A unit is done when its record is whole, its shard and its overviews are the recorded ones,
//! and every image file is as it was when it was read. Any other unit is converted again. On a
//! disk, an object is the recorded one if it is the same file, or else has the recorded SHA-256; in an object
//! store, if it has the recorded size. With `recheck`, its SHA-256 is compared in any case.
//!
//! The shard of a retried unit is replaced before its record is, and may have the
//! same size. So its SHA-256 is always compared.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::num::NonZeroUsize;

use rxrx_format::keys::{overview_key, shard_key};
use rxrx_input::{ReadError, Source};
use rxrx_metadata::{Plan, SiteIndex, Unit};
use rxrx_storage::{Store, StoreError, StoreErrorKind, Unreachable, Version, map_concurrent};
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::block::Block;
use super::blocks::ListedUnit;
use super::job_plan::JobReference;
use super::record::{OtherVersions, PlaneRecord, RecordedObject, StoredUnit, UnitRecord};
use super::recorded::{RecordedError, RecordedUnits};
use super::run::Journal;
use super::unit_records::UnitRecords;

/// Examples kept of each kind.
const EXAMPLES: usize = 20;

/// The state of a run that is continued.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Resumed {
    /// Units that are done.
    pub done: usize,
    /// Units in all.
    pub units: usize,
    /// Records that are damaged, whose units are converted again.
    pub damaged_records: Vec<String>,
    /// Shards, and objects with overviews, that are missing or differ from their records.
    /// Their units are converted again.
    pub damaged_shards: Vec<String>,
    /// Image files that changed since they were read, or could not be read.
    pub changed_images: SourceChanges,
    /// Image files that did not exist before.
    pub added_images: SourceChanges,
}

/// Image files of one kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SourceChanges {
    /// The number of files.
    pub count: usize,
    /// The paths of the first few inside INPUT.
    pub examples: Vec<String>,
}

impl SourceChanges {
    pub(crate) fn add(&mut self, path: &str) {
        self.count += 1;
        if self.examples.len() < EXAMPLES {
            self.examples.push(path.to_owned());
        }
    }

    /// Adds those of another part of the input.
    pub(crate) fn extend(&mut self, more: Self) {
        self.count += more.count;
        let room = EXAMPLES.saturating_sub(self.examples.len());
        self.examples.extend(more.examples.into_iter().take(room));
    }
}

/// A run cannot be continued.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ResumeError {
    /// Image files were removed, or made unreadable, since they were converted.
    #[error(
        "images that are converted already cannot be read, or are no longer in the input: {} \
         (for example {}); put them back, or start over without them with --overwrite",
        .images.count, .images.examples.join(", ")
    )]
    Vanished {
        /// The images.
        images: SourceChanges,
    },
    /// The tables of a dataset whose bad units are retried cannot be read.
    #[error(transparent)]
    Recorded(#[from] RecordedError),
    /// INPUT as a whole cannot be read any more.
    #[error("cannot read INPUT any more, at image {path}")]
    Source {
        /// Path inside INPUT.
        path: String,
        /// The error of the source.
        source: Unreachable,
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
    /// The blocks in which records of done units are, ascending.
    pub(crate) blocks: Vec<Block>,
    /// The versions of objects that have the recorded SHA-256 and not the recorded version, by
    /// shard.
    pub(crate) versions: BTreeMap<usize, OtherVersions>,
    pub(crate) found: Resumed,
}

/// A change of the image of a plane since it was recorded.
enum Change {
    Changed,
    Added,
    Vanished,
}

/// Whether a unit is done, or why not.
enum Verdict {
    /// The versions of objects that are not the very file, or have not the ETag, that the record
    /// names.
    Done {
        other: OtherVersions,
    },
    /// An object of the unit, by its key.
    DamagedObject(String),
    /// Planes have an image that have none in the stored plan, or the other way round.
    OtherPlan,
    Sources(Vec<(String, Change)>),
}

/// Everything that a record is compared with.
struct Judge<'a> {
    plan: &'a Plan,
    /// Whether the plan is that of a job, which does not change: a record of another one is none.
    is_stored_plan: bool,
    /// The images; `None` where they do not matter any more.
    source: Option<&'a dyn Source>,
    output: &'a dyn Store,
    /// Sizes of the objects in bytes, by key; `None` where no list of them was asked for.
    sizes: Option<BTreeMap<String, u64>>,
}

/// The verdict on a unit; `None` for a record of another plan.
type Judged = Option<(StoredUnit, Verdict)>;

impl Judge<'_> {
    /// Compares a record with its shard and its images.
    fn judge(&self, record: &UnitRecord, recheck: bool) -> Result<Judged, ResumeError> {
        if !record.fits(self.plan) {
            return Ok(None);
        }
        let stored = StoredUnit::from(record);
        let other = match self.are_stored(record.objects(), recheck)? {
            Ok(other) => other,
            Err(key) => return Ok(Some((stored, Verdict::DamagedObject(key)))),
        };
        if self.is_stored_plan && !has_planes_of(self.plan, record) {
            return Ok(Some((stored, Verdict::OtherPlan)));
        }
        let changes = match self.source {
            Some(source) => changes(self.plan, record, source)?,
            None => Vec::new(),
        };
        let verdict = if changes.is_empty() {
            Verdict::Done { other }
        } else {
            Verdict::Sources(changes)
        };
        Ok(Some((stored, verdict)))
    }

    /// Compares a unit of a block, which its worker has judged, with its objects alone.
    fn judge_listed(&self, unit: ListedUnit) -> Result<(StoredUnit, Verdict), StoreError> {
        let verdict = match self.are_stored(unit.objects(), false)? {
            Ok(other) => Verdict::Done { other },
            Err(key) => Verdict::DamagedObject(key),
        };
        Ok((unit.stored, verdict))
    }

    /// Returns the versions of `objects` that are not those that their record names, if all are
    /// there; else the key of one that is not.
    fn are_stored(
        &self,
        [shard, overview]: [(RecordedObject, Option<&str>); 2],
        recheck: bool,
    ) -> Result<Result<OtherVersions, String>, StoreError> {
        let mut found = OtherVersions::default();
        for ((object, version), other) in
            [(shard, &mut found.shard), (overview, &mut found.overview)]
        {
            match self.is_stored(&object, version, recheck)? {
                Some(version) => *other = version,
                None => return Ok(Err(object.key)),
            }
        }
        Ok(Ok(found))
    }

    /// Returns whether an object of a record is there, and then its version, if it is not the very
    /// file or has not the ETag that the record names. The SHA-256 is compared only where that is
    /// another one.
    /// In an object store of which there is a list, the size is enough.
    fn is_stored(
        &self,
        object: &RecordedObject,
        version: Option<&str>,
        recheck: bool,
    ) -> Result<Option<Option<Version>>, StoreError> {
        let key = &object.key;
        let size = self.sizes.as_ref().map(|sizes| sizes.get(key));
        if size.is_some_and(|size| size != Some(&object.bytes)) {
            return Ok(None);
        }
        let is_same = match version {
            // With a list of sizes, no object store is asked for each object.
            Some(then) if self.sizes.is_none() || !self.output.has_late_requests() => {
                let now = self.output.version(key)?;
                now.is_some_and(|now| now.tag() == Some(then))
            }
            _ => self.sizes.is_some(),
        };
        if is_same && !recheck {
            return Ok(Some(None));
        }
        let version = intact_version(self.output, object)?;
        Ok(version.map(|version| (!is_same).then_some(version)))
    }

    /// Judges the units of `shards` by the tables; also returns the keys of shards and
    /// overviews that are absent.
    fn in_tables(
        &self,
        tables: &RecordedUnits,
        shards: &[usize],
        jobs: NonZeroUsize,
        recheck: bool,
    ) -> Result<(Vec<Judged>, Vec<String>), ResumeError> {
        let judged = map_concurrent(shards, jobs, |&shard| {
            let keys = [shard_key(shard), overview_key(shard)];
            match tables.record(shard) {
                Ok(record) => Ok(Ok(self.judge(&record, recheck)?)),
                Err(RecordedError::Absent { object }) if keys.contains(&object) => Ok(Err(object)),
                Err(error) => Err(ResumeError::from(error)),
            }
        })?;
        let mut found = Vec::new();
        let mut absent = Vec::new();
        for unit in judged {
            match unit {
                Ok(unit) => found.push(unit),
                Err(key) => absent.push(key),
            }
        }
        Ok((found, absent))
    }
}

/// Sorts the units of `plan` into done and to do. With `recheck`, the SHA-256 of every
/// shard is compared.
pub(crate) fn resume(
    plan: &Plan,
    records: &UnitRecords<'_>,
    source: &dyn Source,
    output: &dyn Store,
    kept: &dyn Store,
    recheck: bool,
) -> Result<Resume, ResumeError> {
    let judge_of = |output| -> Result<Judge<'_>, StoreError> {
        Ok(Judge {
            plan,
            is_stored_plan: false,
            source: Some(source),
            output,
            sizes: Some(sizes(output)?),
        })
    };
    let judge = judge_of(output)?;
    let mut found = Found::default();
    match records.tables {
        None => {
            let judge = |record: &UnitRecord| match record.is_of_job(records.job) {
                true => judge.judge(record, recheck),
                false => Ok(None),
            };
            let singles = records
                .journal
                .each(records.jobs, |record| judge(&record))?;
            found.damaged_records = singles.damaged;
            found.add(singles.whole);
            for block in records.blocks {
                let of_block = records.journal.block_records(block)?;
                let judged = map_concurrent(&of_block, records.jobs, judge)?;
                found.add_block(block, judged);
            }
        }
        Some((tables, retried)) => {
            let shards = 0..plan.geometry().shards();
            let stay: Vec<usize> = shards.filter(|shard| !retried.contains(shard)).collect();
            let (staying, absent) =
                judge_of(kept)?.in_tables(tables, &stay, records.jobs, recheck)?;
            let judged = records.journal.each(records.jobs, |record| {
                if retried.contains(&record.unit.shard) {
                    judge.judge(&record, true)
                } else {
                    Ok(None)
                }
            })?;
            found.damaged_records = judged.damaged;
            found.damaged_shards = absent;
            found.add(judged.whole);
            found.add(staying);
        }
    }
    found.sort(plan.units())
}

/// Sorts some units of the stored `plan` of a job into done and to do, by their records in
/// `journal` alone. `blocks` are those into which the records of `units` are merged. The images are
/// compared with `source`, if there is one. Other records are not read, and OUTPUT is not listed.
pub(crate) fn resume_units(
    plan: &Plan,
    (units, blocks): (&[Unit], &[Block]),
    job: &JobReference,
    journal: &Journal<'_>,
    source: Option<&dyn Source>,
    output: &dyn Store,
    jobs: NonZeroUsize,
) -> Result<Resume, ResumeError> {
    let judge = Judge {
        plan,
        is_stored_plan: true,
        source,
        output,
        sizes: None,
    };
    let judge_of_job = |record: &UnitRecord| match record.is_of_job(Some(&job.head_sha256)) {
        true => judge.judge(record, false),
        false => Ok(None),
    };
    let merged = map_concurrent(blocks, jobs, |block| match source {
        // The images are those of the records.
        Some(_) => {
            let records = journal.block_records(block)?;
            records.iter().map(judge_of_job).collect()
        }
        None => {
            let units = journal
                .block_units(block, &job.head_sha256)?
                .into_iter()
                .flatten();
            let judged = units.map(|unit| Ok(Some(judge.judge_listed(unit)?)));
            judged.collect::<Result<Vec<Judged>, ResumeError>>()
        }
    })?;
    let mut found = Found::default();
    for (block, judged) in blocks.iter().zip(merged) {
        found.add_block(block, judged);
    }
    // A record that is not merged is the newer one, but for a unit whose merged record names the
    // shard that is there.
    let left: Vec<Unit> = units
        .iter()
        .filter(|unit| !found.has_exact(unit))
        .cloned()
        .collect();
    let singles = journal.each_of(&left, jobs, |record| judge_of_job(&record))?;
    found.damaged_records = singles.damaged;
    found.add(singles.whole);
    found.sort(units.iter().cloned())
}

/// Returns the sizes of all objects of a store by key.
fn sizes(store: &dyn Store) -> Result<BTreeMap<String, u64>, StoreError> {
    let objects = store.list()?.into_iter();
    Ok(objects.map(|object| (object.key, object.size)).collect())
}

/// What was found of the units of a run.
#[derive(Default)]
struct Found {
    /// The best verdict on each unit, by shard: a unit may have a record of its own and one in a
    /// block, of which one describes the shard that is there.
    units: BTreeMap<usize, (StoredUnit, Verdict)>,
    /// The blocks whose records were judged.
    blocks: Vec<Block>,
    damaged_records: Vec<String>,
    damaged_shards: Vec<String>,
}

impl Found {
    fn add(&mut self, judged: Vec<Judged>) {
        for (stored, verdict) in judged.into_iter().flatten() {
            let there = self.units.get(&stored.unit.shard);
            if there.is_none_or(|(_, there)| there.rank() <= verdict.rank()) {
                self.units.insert(stored.unit.shard, (stored, verdict));
            }
        }
    }

    fn add_block(&mut self, block: &Block, judged: Vec<Judged>) {
        if !judged.is_empty() {
            self.blocks.push(block.clone());
            self.add(judged);
        }
    }

    /// Whether a record names the very shard of the unit that is there.
    fn has_exact(&self, unit: &Unit) -> bool {
        let found = self.units.get(&unit.shard);
        found.is_some_and(
            |(_, verdict)| matches!(verdict, Verdict::Done { other } if other.is_none()),
        )
    }

    /// Sorts `units` by the verdicts.
    fn sort(self, units: impl ExactSizeIterator<Item = Unit>) -> Result<Resume, ResumeError> {
        let mut resume = Resume {
            found: Resumed {
                units: units.len(),
                damaged_records: self.damaged_records,
                damaged_shards: self.damaged_shards,
                ..Resumed::default()
            },
            blocks: self.blocks,
            ..Resume::default()
        };
        let mut vanished = SourceChanges::default();
        for (stored, verdict) in self.units.into_values() {
            match verdict {
                Verdict::Done { other } => {
                    if !other.is_none() {
                        resume.versions.insert(stored.unit.shard, other);
                    }
                    resume.done.push(stored);
                }
                Verdict::OtherPlan => {}
                Verdict::DamagedObject(key) => resume.found.damaged_shards.push(key),
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
        resume.todo = units.filter(|unit| !is_done(unit)).collect();
        Ok(resume)
    }
}

/// Returns the key of an object of a unit that has not the recorded SHA-256, if there is one.
pub(crate) fn damaged_object(
    output: &dyn Store,
    stored: &StoredUnit,
) -> Result<Option<String>, StoreError> {
    for object in stored.objects() {
        if !is_intact(output, &object)? {
            return Ok(Some(object.key));
        }
    }
    Ok(None)
}

impl Verdict {
    /// Of two verdicts on a unit the one of higher rank counts.
    fn rank(&self) -> u8 {
        match self {
            Self::Done { other } if other.is_none() => 2,
            Self::Done { .. } => 1,
            Self::DamagedObject(_) | Self::OtherPlan | Self::Sources(_) => 0,
        }
    }
}

/// Bytes of an object that are hashed at once.
const PIECE: u64 = 4 << 20;

/// Returns whether a stored object has the recorded SHA-256.
fn is_intact(output: &dyn Store, object: &RecordedObject) -> Result<bool, StoreError> {
    Ok(intact_version(output, object)?.is_some())
}

/// Returns the version of a stored object, if it has the recorded SHA-256. A piece of it is in
/// memory at a time.
fn intact_version(
    output: &dyn Store,
    object: &RecordedObject,
) -> Result<Option<Version>, StoreError> {
    let sizes = output.sizes(&[&object.key])?;
    if sizes != [Some(object.bytes)] {
        return Ok(None);
    }
    let mut hasher = Sha256::new();
    let mut version = None;
    let mut start = 0;
    while start < object.bytes {
        let end = object.bytes.min(start + PIECE);
        let piece = output.get_range_of(&object.key, start..end, version.as_ref());
        let piece = match piece {
            // It is replaced at this moment, or is shorter now.
            Err(error) if error.kind == StoreErrorKind::Changed => None,
            piece => piece?,
        };
        let Some((bytes, of)) = piece else {
            return Ok(None);
        };
        hasher.update(&bytes);
        version = Some(of);
        start = end;
    }
    Ok(version.filter(|_| hasher.finalize()[..] == object.sha256))
}

/// Whether the planes of a record have an image where those of `plan` have one, and nowhere else.
fn has_planes_of(plan: &Plan, record: &UnitRecord) -> bool {
    let channels = plan.geometry().channels;
    record.planes.iter().enumerate().all(|(position, plane)| {
        let site = SiteIndex(record.unit.sites.start + position / channels);
        let has_image = plan.source(site, position % channels).is_some();
        has_image != matches!(plane, PlaneRecord::Missing)
    })
}

/// Returns the images of a unit that changed since it was recorded.
fn changes(
    plan: &Plan,
    record: &UnitRecord,
    source: &dyn Source,
) -> Result<Vec<(String, Change)>, ResumeError> {
    let stamp = |path: &str| match source.stamp(path) {
        Err(ReadError::Unreachable(source)) => Err(ResumeError::Source {
            path: path.to_owned(),
            source,
        }),
        stamp => Ok(stamp.ok()),
    };
    let channels = plan.geometry().channels;
    let mut changes = Vec::new();
    for (position, plane) in record.planes.iter().enumerate() {
        let site = SiteIndex(record.unit.sites.start + position / channels);
        let path = plan.source(site, position % channels);
        let change = match (plane, &path) {
            (PlaneRecord::Missing, None) => continue,
            (PlaneRecord::Missing, Some(_)) => Change::Added,
            (PlaneRecord::Ok { .. }, None) => Change::Vanished,
            (PlaneRecord::Corrupt { .. } | PlaneRecord::Unreadable { .. }, None) => Change::Changed,
            (PlaneRecord::Ok { source: then, .. }, Some(path)) => match stamp(path)? {
                Some(now) if then.may_be(now) => continue,
                Some(_) => Change::Changed,
                None => Change::Vanished,
            },
            // An image that could not be read is tried again.
            (PlaneRecord::Unreadable { .. }, Some(_)) => Change::Changed,
            (PlaneRecord::Corrupt { source: then, .. }, Some(path)) => {
                match then.zip(stamp(path)?) {
                    Some((then, now)) if then.may_be(now) => continue,
                    _ => Change::Changed,
                }
            }
        };
        // Without an image, the site is named.
        let name = || match plan.site_id(site) {
            Some(id) => id.to_owned(),
            None => format!("site {}", site.0),
        };
        changes.push((path.unwrap_or_else(name), change));
    }
    Ok(changes)
}
