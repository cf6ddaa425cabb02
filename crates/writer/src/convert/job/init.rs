//! The first step of a job: plan it, and store the plan.

use std::num::NonZeroUsize;

use rxrx_input::PlannedInput;
use rxrx_storage::Location;
use serde::Serialize;

use super::super::error::ConvertError;
use super::super::options::ConvertOptions;
use super::super::problems::refuse_problems;
use super::super::wanted::Wanted;
use super::error::JobError;
use crate::events::Observer;
use crate::journal::{JobPlan, PartPlan};
use crate::output::{LockedOutput, OutputError, OutputLocation, Plan, Transition};
use crate::space::{WorkLeft, demand_space};

/// A job whose plan is stored.
#[derive(Clone, Debug, Serialize)]
pub struct JobStarted {
    /// Whether OUTPUT is a complete dataset of the same input and settings. Then there are no
    /// parts.
    pub sealed: bool,
    /// Whether the same job was there before; its finished units are kept.
    pub existed: bool,
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
    // Workers could not share an OUTPUT that cannot be held together.
    drop(place.share("planning")?);
    let lock = LockedOutput::take(&place, observer)?;
    let wanted = Wanted::new(planned, &place, options);
    let state = lock.state()?;
    match state.transition(options.existing, place.output())? {
        Transition::Begin => {}
        Transition::Keep(root) => {
            wanted.target_of_dataset(root.as_deref())?;
            return Ok(JobStarted {
                sealed: true,
                existed: true,
                parts: Vec::new(),
            });
        }
        Transition::Continue(run) => {
            wanted.target_like(&run.fingerprint, false)?;
            let path = place.output().clone();
            let job = run.job.as_ref().ok_or(JobError::Unfinished { path })?;
            let plan = JobPlan::read(place.work_store(), job)?;
            let units = planned.plan.geometry().shards();
            if plan.parts() != parts.get().min(units) {
                return Err(JobError::OtherParts {
                    path: place.output().clone(),
                    there: plan.parts(),
                });
            }
            return Ok(JobStarted {
                sealed: false,
                existed: true,
                parts: plan.part_plans(),
            });
        }
        Transition::Replace | Transition::Retry(_) | Transition::Switch(_) => {
            let path = place.output().clone();
            return Err(OutputError::Foreign { path }.into());
        }
    }
    if !options.ignore_space {
        let left = WorkLeft::all(planned);
        demand_space(&place, planned, options.codec, left).map_err(ConvertError::from)?;
    }
    lock.flush_names()?;
    let (plan, reference) = JobPlan::store(planned, parts, place.work_store())?;
    let mut run = wanted.target().run;
    run.job = Some(reference);
    lock.begin(Plan::Convert(Box::new(run)))?;
    Ok(JobStarted {
        sealed: false,
        existed: false,
        parts: plan.part_plans(),
    })
}
