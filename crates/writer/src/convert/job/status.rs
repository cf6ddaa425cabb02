//! How far a job is.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;

use rxrx_format::PlaneCounts;
use rxrx_metadata::Unit;
use rxrx_storage::{Location, StoreError};
use serde::Serialize;

use super::error::JobError;
use super::found::{Found, find, is_sealed};
use super::part_list::part_list;
use crate::journal::{JobPlan, StoredUnit, UnitRecord};
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
    /// The parts with units that are not done, as Slurm takes them: `3,7-9`.
    pub missing_parts: String,
    /// The parts.
    pub parts: Vec<PartStatus>,
    /// The workers that run at this moment.
    pub workers: Vec<WorkerStatus>,
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

/// Whether the objects of a record are the files that it names. In an object store that is not
/// asked.
fn is_there(place: &OutputLocation, record: &UnitRecord) -> Result<bool, StoreError> {
    let store = place.store();
    if store.has_late_requests() {
        return Ok(true);
    }
    for (object, version) in record.objects() {
        let now = store.version(&object.key)?;
        if now.is_none_or(|now| now.tag() != version) {
            return Ok(false);
        }
    }
    Ok(true)
}

fn status_at(place: &OutputLocation, jobs: NonZeroUsize) -> Result<JobStatus, JobError> {
    let Found::Job(_, reference) = find(place, place.state()?)? else {
        return Ok(sealed());
    };
    let job = JobPlan::read(place.work_store(), &reference)?;
    let take = |record: UnitRecord| {
        let is_done = record.is_of_job(Some(&reference.head_sha256)) && is_there(place, &record)?;
        Ok::<_, StoreError>(is_done.then(|| StoredUnit::from(&record)))
    };
    let done = place.journal().each(jobs, take)?.whole;
    let done: Vec<StoredUnit> = done.into_iter().flatten().collect();
    let shards: BTreeSet<usize> = done.iter().map(|stored| stored.unit.shard).collect();
    let parts: Vec<PartStatus> = (0..job.parts())
        .map(|part| {
            let units = job.units(part);
            let is_done = |unit: &&Unit| shards.contains(&unit.shard);
            PartStatus {
                part,
                units: units.len(),
                units_done: units.iter().filter(is_done).count(),
            }
        })
        .collect();
    let missing = parts.iter().filter(|part| part.units_done < part.units);
    let workers = place.workers()?.into_iter();
    Ok(JobStatus {
        sealed: false,
        units: parts.iter().map(|part| part.units).sum(),
        units_done: parts.iter().map(|part| part.units_done).sum(),
        planes: done.iter().map(|unit| unit.planes).sum(),
        source_bytes: done.iter().map(|unit| unit.source_bytes).sum(),
        stored_bytes: done.iter().map(|unit| unit.bytes).sum(),
        missing_parts: part_list(missing.map(|part| part.part)),
        workers: workers
            .map(|worker| WorkerStatus {
                process: worker.holder,
                work: worker.label,
            })
            .collect(),
        alone: place.holder_alone()?,
        parts,
    })
}
