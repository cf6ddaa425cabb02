//! How far a job is.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;

use rxrx_format::PlaneCounts;
use rxrx_metadata::Unit;
use rxrx_storage::{Location, StoreError, map_concurrent};
use serde::Serialize;

use super::error::JobError;
use super::found::{Found, find, is_sealed};
use super::part_list::part_list;
use super::progress::{sites_of, sites_per_second};
use crate::journal::{Block, FailedPart, JobPlan, JobReference, ListedUnit};
use crate::output::OutputLocation;

/// How far a job is.
#[derive(Clone, Debug, Default, Serialize)]
pub struct JobStatus {
    /// Whether the dataset is complete. Then nothing else is known of the job.
    pub sealed: bool,
    /// Units (shards) of all parts.
    pub units: usize,
    /// Units that are stored and recorded.
    pub units_done: usize,
    /// Number of planes of these units with each result.
    pub planes: PlaneCounts,
    /// Bytes that were read from image files for these units.
    pub source_bytes: u64,
    /// Bytes of the shards of these units.
    pub stored_bytes: u64,
    /// Sites of all parts.
    pub sites: usize,
    /// Sites of the units that are done.
    pub sites_done: usize,
    /// Sites that all workers together stored a second in the last minutes; `None` while no
    /// worker runs, or none has stored enough.
    pub sites_per_second: Option<f64>,
    /// Seconds until all parts are done at that rate.
    pub seconds_left: Option<f64>,
    /// The parts with units that are not done, as Slurm takes them: `3,7-9`.
    pub missing_parts: String,
    /// The parts.
    pub parts: Vec<PartStatus>,
    /// The workers that run at this moment.
    pub workers: Vec<WorkerStatus>,
    /// Parts that are not done, whose last worker failed.
    pub failed: Vec<FailedPart>,
    /// The process that plans, seals or converts at this moment, if there is one.
    pub alone: Option<String>,
}

/// How far a part is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PartStatus {
    /// The part, from 0.
    pub part: usize,
    /// Its units.
    pub units: usize,
    /// Those of them that are done.
    pub units_done: usize,
}

/// A worker that runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WorkerStatus {
    /// Process and host.
    pub process: String,
    /// The work that it does, such as `part 3`.
    pub work: String,
}

/// Finds out how far the job at `output` is, by the records of its units. On a disk a unit counts
/// only if its shard and its overviews are the files that the record names; they are not read.
///
/// # Errors
/// [`JobError`].
pub fn job_status(output: &Location, jobs: NonZeroUsize) -> Result<JobStatus, JobError> {
    let place = OutputLocation::new(output)?;
    status_at(&place, jobs).or_else(|error| match is_sealed(&place) {
        // It was sealed meanwhile.
        true => Ok(sealed()),
        false => Err(error),
    })
}

fn sealed() -> JobStatus {
    JobStatus {
        sealed: true,
        ..JobStatus::default()
    }
}

/// Requests for entries of the journal, or for shards, at once: each mostly waits.
const AT_ONCE: NonZeroUsize = NonZeroUsize::new(16).unwrap();

/// Whether the objects of a unit are the files that its record names. In an object store that is
/// not asked.
fn is_there(place: &OutputLocation, unit: &ListedUnit) -> Result<bool, StoreError> {
    let store = place.store();
    if store.has_late_requests() {
        return Ok(true);
    }
    for (object, version) in unit.objects() {
        let now = store.version(&object.key)?;
        if now.is_none_or(|now| now.tag() != version) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The units that are done, by shard, and the entries of the journal.
struct Done {
    units: BTreeMap<usize, ListedUnit>,
    failed: Vec<FailedPart>,
}

/// Finds the units that are done: by the blocks of records, and by the records that are in none.
fn done_at(
    place: &OutputLocation,
    job: &JobPlan,
    reference: &JobReference,
    jobs: NonZeroUsize,
) -> Result<Done, JobError> {
    let journal = place.journal();
    let entries = journal.entries()?;
    let blocks: Vec<Block> = job.blocks();
    let blocks: Vec<&Block> = blocks.iter().filter(|block| entries.has(block)).collect();
    let jobs = jobs.max(AT_ONCE);
    let merged = map_concurrent(&blocks, jobs, |block| {
        let units = journal.block_units(block, &reference.head_sha256)?;
        those_there(place, units.into_iter().flatten())
    })?;
    let merged = merged.into_iter().flatten();
    let mut units: BTreeMap<usize, ListedUnit> =
        merged.map(|unit| (unit.stored.unit.shard, unit)).collect();
    let left = entries.singles().filter(|shard| !units.contains_key(shard));
    let left: Vec<usize> = left.collect();
    let singles = journal.each_listed(&left, jobs, |record| {
        let is_of_job = record.is_of_job(Some(&reference.head_sha256));
        those_there(
            place,
            is_of_job.then(|| ListedUnit::from(&record)).into_iter(),
        )
    })?;
    let singles = singles.whole.into_iter().flatten();
    units.extend(singles.map(|unit| (unit.stored.unit.shard, unit)));
    let failed = map_concurrent(entries.failures(), jobs, |key| journal.failure(key))?;
    Ok(Done {
        units,
        failed: failed.into_iter().flatten().collect(),
    })
}

fn those_there(
    place: &OutputLocation,
    units: impl Iterator<Item = ListedUnit>,
) -> Result<Vec<ListedUnit>, StoreError> {
    let mut there = Vec::new();
    for unit in units {
        if is_there(place, &unit)? {
            there.push(unit);
        }
    }
    Ok(there)
}

fn status_at(place: &OutputLocation, jobs: NonZeroUsize) -> Result<JobStatus, JobError> {
    let Found::Job(_, reference) = find(place, place.state()?)? else {
        return Ok(sealed());
    };
    let job = JobPlan::read(place.work_store(), &reference)?;
    let Done { units, mut failed } = done_at(place, &job, &reference, jobs)?;
    let parts: Vec<PartStatus> = (0..job.parts())
        .map(|part| {
            let of_part = job.units(part);
            let is_done = |unit: &&Unit| units.contains_key(&unit.shard);
            PartStatus {
                part,
                units: of_part.len(),
                units_done: of_part.iter().filter(is_done).count(),
            }
        })
        .collect();
    let is_missing = |part: &&PartStatus| part.units_done < part.units;
    failed.retain(|failed| parts.get(failed.part).is_some_and(|part| is_missing(&part)));
    failed.sort_by_key(|failed| failed.part);
    let workers = place.workers()?.into_iter();
    let workers: Vec<WorkerStatus> = workers
        .map(|worker| WorkerStatus {
            process: worker.holder,
            work: worker.label,
        })
        .collect();
    let (sites, sites_done) = (job.sites(), sites_of(units.values()));
    let sites_per_second = match workers.is_empty() {
        true => None,
        false => sites_per_second(units.values()),
    };
    let left = sites.saturating_sub(sites_done) as f64;
    Ok(JobStatus {
        sealed: false,
        units: parts.iter().map(|part| part.units).sum(),
        units_done: units.len(),
        planes: units.values().map(|unit| unit.stored.planes).sum(),
        source_bytes: units.values().map(|unit| unit.stored.source_bytes).sum(),
        stored_bytes: units.values().map(|unit| unit.stored.bytes).sum(),
        sites,
        sites_done,
        sites_per_second,
        seconds_left: sites_per_second.map(|rate| left / rate),
        missing_parts: part_list(parts.iter().filter(is_missing).map(|part| part.part)),
        workers,
        failed,
        alone: place.holder_alone()?,
        parts,
    })
}
