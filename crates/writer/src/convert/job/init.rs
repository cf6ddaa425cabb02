//! The first step of a job: plan it, and store the plan.

use std::num::NonZeroUsize;

use rxrx_format::Root;
use rxrx_input::PlannedInput;
use rxrx_storage::Location;
use serde::Serialize;

use super::super::error::ConvertError;
use super::super::options::ConvertOptions;
use super::super::problems::refuse_problems;
use super::super::wanted::Wanted;
use super::error::JobError;
use super::found::find;
use crate::events::Observer;
use crate::journal::{JobPlan, PartPlan, Run};
use crate::output::{LockedOutput, OutputError, OutputLocation, OutputState, Plan};
use crate::space::{WorkLeft, demand_space};

/// A job whose plan is stored.
#[derive(Clone, Debug, Serialize)]
pub struct JobStarted {
    /// Whether OUTPUT is a complete dataset of the same input and settings. Then there are no
    /// parts.
    pub sealed: bool,
    /// Whether the same job was there before; its finished units are kept.
    pub existed: bool,
    /// How a complete dataset is described otherwise than it would be now; one line each. It
    /// stays as it is.
    pub described_otherwise: Vec<String>,
    /// The parts.
    pub parts: Vec<PartPlan>,
}

/// Stores the plan of a conversion of `planned` to `output` in `parts` parts, or fewer where
/// there are fewer units. A job of the same input, settings and number of parts stays as it is.
///
/// # Errors
/// [`JobError`]; then there is no job that was not there before.
pub fn init_job(
    planned: &PlannedInput,
    output: &Location,
    options: &ConvertOptions,
    parts: NonZeroUsize,
    observer: &dyn Observer,
) -> Result<JobStarted, JobError> {
    let place = OutputLocation::locked_by(output, options.lock)?;
    for input in &planned.inputs {
        place.refuse_overlap(input)?;
    }
    place.refuse_nested()?;
    refuse_problems(planned, options.allow_missing)?;
    let wanted = Wanted::new(planned, &place, options);
    // A complete dataset needs no lock, and may lie where nobody can write.
    if place.is_settled()?
        && let OutputState::Sealed(root) = place.state()?
    {
        return sealed(&wanted, root.as_deref());
    }
    let lock = LockedOutput::take(&place, observer)?;
    lock.demand_exclusive()?;
    let state = lock.state()?;
    let run = match state {
        OutputState::Free => None,
        OutputState::Sealed(root) => return sealed(&wanted, root.as_deref()),
        OutputState::Unfinished(run) => Some(run),
        state => {
            find(&place, state)?;
            None
        }
    };
    let mut target = wanted.target().run;
    if let Some(run) = run {
        let job = run.job.clone().ok_or_else(|| JobError::Unfinished {
            path: place.output().clone(),
        })?;
        let plan = JobPlan::read(place.work_store(), &job)?;
        demand_same(&place, &plan, &run, &target, planned, parts)?;
        // What the dataset calls itself may change: nothing of it is written yet.
        target.job = Some(job);
        lock.begin(Plan::Convert(Box::new(target)))?;
        return Ok(JobStarted::of(&plan, true));
    }
    if !options.ignore_space {
        let left = WorkLeft::all(planned);
        demand_space(&place, planned, options.codec, left).map_err(ConvertError::from)?;
    }
    lock.flush_names()?;
    let work = place.work_store();
    let (plan, reference) = JobPlan::store(planned, &target.fingerprint, parts, work)?;
    target.job = Some(reference);
    lock.begin(Plan::Convert(Box::new(target)))?;
    Ok(JobStarted::of(&plan, false))
}

impl JobStarted {
    fn of(plan: &JobPlan, existed: bool) -> Self {
        Self {
            sealed: false,
            existed,
            described_otherwise: Vec::new(),
            parts: plan.part_plans(),
        }
    }
}

/// Returns the result for a complete dataset, which must be the one to be made.
fn sealed(wanted: &Wanted<'_>, root: Option<&Root>) -> Result<JobStarted, JobError> {
    wanted
        .target_of_dataset(root)
        .map_err(|error| match error {
            ConvertError::Output(OutputError::Different {
                path, differences, ..
            }) => JobError::OtherDataset {
                path,
                difference: differences.join("; "),
            },
            error => error.into(),
        })?;
    Ok(JobStarted {
        sealed: true,
        existed: true,
        described_otherwise: wanted.described_otherwise(root),
        parts: Vec::new(),
    })
}

/// Demands that the job that is there is the one to be begun.
fn demand_same(
    place: &OutputLocation,
    plan: &JobPlan,
    run: &Run,
    target: &Run,
    planned: &PlannedInput,
    parts: NonZeroUsize,
) -> Result<(), JobError> {
    let path = || place.output().clone();
    let other = |difference: String| JobError::OtherJob {
        path: path(),
        difference,
    };
    let differences = run.fingerprint.differences(&target.fingerprint);
    if !differences.is_empty() {
        return Err(other(differences.join("; ")));
    }
    if plan.parts() != parts.get().min(planned.plan.geometry().shards()) {
        return Err(JobError::OtherParts {
            path: path(),
            there: plan.parts(),
        });
    }
    match plan.difference(planned, &target.fingerprint)? {
        Some(difference) => Err(other(difference.to_owned())),
        None => Ok(()),
    }
}
