//! The last step of a job: demand that every unit is done, and seal.

use std::collections::BTreeSet;

use rxrx_format::DatasetAttributes;
use rxrx_metadata::{Plan, Unit};
use rxrx_storage::{Location, release_free_memory};
use serde::Serialize;

use super::super::converted::Converted;
use super::super::error::ConvertError;
use super::super::options::ConvertOptions;
use super::error::JobError;
use super::found::{Found, find};
use super::part_list::part_list;
use crate::events::{Event, Observer};
use crate::journal::{
    Block, JobPlan, JobReference, RecordedUnits, Resume, Run, StoredUnit, UnitRecords, resume_units,
};
use crate::output::{ChecksummedStore, LockedOutput, OutputLocation};
use crate::seal::{Seal, Sealed};

/// The dataset of a job.
#[derive(Clone, Debug, Serialize)]
pub struct JobSealed {
    /// Whether it was complete before.
    pub existed: bool,
    /// What it holds. All sites count as converted before.
    #[serde(flatten)]
    pub converted: Converted,
}

/// Seals the job at `output`. A dataset that is complete already stays as it is.
///
/// # Errors
/// [`JobError::NotDone`] when units are missing: nothing is changed; other [`JobError`]s.
pub fn seal_job(
    output: &Location,
    options: &ConvertOptions,
    observer: &dyn Observer,
) -> Result<JobSealed, JobError> {
    let place = OutputLocation::new(output)?;
    if place.is_settled()?
        && let Found::Sealed = find(&place, place.state()?)?
    {
        return complete_already(&place);
    }
    let lock = LockedOutput::take(&place, observer)?;
    let (run, reference) = match find(&place, lock.state()?)? {
        Found::Job(run, reference) => (run, reference),
        Found::Sealed => {
            // The one who sealed it was killed before it removed the plan.
            if lock.is_building() {
                place.demand_whole()?;
            }
            let sealed = complete_already(&place)?;
            // A dataset that is being built to replace this one is not given up.
            if lock.next().is_none() {
                lock.release_sealed(None, observer);
            }
            return Ok(sealed);
        }
    };
    place.refuse_foreign_files()?;
    lock.flush_names()?;
    let job = JobPlan::read(place.work_store(), &reference)?;
    let plan = job.whole(place.work_store())?;
    let (units, blocks) = units_of(&place, (&job, &reference), &plan, options)?;
    let embeddings = job.embeddings(place.work_store())?;
    observer.notice(Event::Sealing);
    lock.check()?;
    release_free_memory();
    let Run {
        fingerprint,
        description,
        ..
    } = *run;
    let attributes = DatasetAttributes {
        embeddings: fingerprint.embeddings,
        ..DatasetAttributes::new(
            description,
            &plan,
            fingerprint.settings,
            units.iter().map(|unit| unit.planes).sum(),
        )
    };
    let store = ChecksummedStore::new(place.store());
    units.iter().for_each(|unit| store.add_stored(unit));
    let journal = place.journal();
    let seal = Seal {
        plan: &plan,
        units: &units,
        records: UnitRecords {
            journal: &journal,
            tables: None,
            job: Some(&reference.head_sha256),
            blocks: &blocks,
            jobs: options.jobs,
        },
        embeddings: embeddings.as_ref(),
        attributes,
        output: &store,
    };
    let Sealed {
        refused,
        not_flushed,
    } = seal.write().map_err(ConvertError::from)?;
    let sites = plan.geometry().sites;
    let converted = Converted::of(sites, sites, &units, refused);
    lock.release_sealed(not_flushed, observer);
    Ok(JobSealed {
        existed: false,
        converted,
    })
}

/// Returns the units of the job, which must all be done, and the blocks of their records.
fn units_of(
    place: &OutputLocation,
    (job, reference): (&JobPlan, &JobReference),
    plan: &Plan,
    options: &ConvertOptions,
) -> Result<(Vec<StoredUnit>, Vec<Block>), JobError> {
    let units: Vec<Unit> = plan.units().collect();
    let journal = place.journal();
    let found = resume_units(
        plan,
        (&units, &job.blocks()),
        reference,
        &journal,
        None,
        place.store(),
        options.jobs,
    );
    let Resume {
        done, todo, blocks, ..
    } = found.map_err(ConvertError::from)?;
    if todo.is_empty() {
        return Ok((done, blocks));
    }
    let shards: BTreeSet<usize> = todo.iter().map(|unit| unit.shard).collect();
    let is_of = |unit: &Unit| shards.contains(&unit.shard);
    let is_missing = |part: &usize| job.units(*part).iter().any(is_of);
    Err(JobError::NotDone {
        units: todo.len(),
        of: units.len(),
        parts: part_list((0..job.parts()).filter(is_missing)),
    })
}

/// Returns the result for a dataset that was complete before.
fn complete_already(place: &OutputLocation) -> Result<JobSealed, JobError> {
    let name = place.output().to_string();
    let root = rxrx_reader::read_root(place.store(), &name)?;
    let tables = RecordedUnits::read(place.store(), &root.geometry, &root.channels);
    let tables = tables.map_err(ConvertError::from)?;
    let records: Result<Vec<_>, _> = tables.records().collect();
    let records = records.map_err(ConvertError::from)?;
    let units: Vec<StoredUnit> = records.iter().map(StoredUnit::from).collect();
    let sites = root.geometry.sites;
    Ok(JobSealed {
        existed: true,
        converted: Converted::of(sites, sites, &units, Vec::new()),
    })
}
