//! What is at an OUTPUT of a job.

use super::error::JobError;
use crate::journal::{JobReference, Run};
use crate::output::{OutputLocation, OutputState};

/// What is at an OUTPUT at which there should be a job.
pub(super) enum Found {
    /// A job that is not sealed.
    Job(Box<Run>, JobReference),
    /// A complete dataset.
    Sealed,
}

/// Demands that there is a job at OUTPUT, which is in this state, or a complete dataset.
pub(super) fn find(place: &OutputLocation, state: OutputState) -> Result<Found, JobError> {
    let path = || place.output().clone();
    match state {
        OutputState::Sealed(_) => Ok(Found::Sealed),
        OutputState::Unfinished(mut run) => match run.job.take() {
            Some(job) => Ok(Found::Job(run, job)),
            None => Err(JobError::NoJob {
                path: path(),
                is_run: true,
            }),
        },
        OutputState::Damaged(error) => Err((*error).into()),
        OutputState::Switching(_) => Err(JobError::Switching { path: path() }),
        _ => Err(JobError::NoJob {
            path: path(),
            is_run: false,
        }),
    }
}

/// Whether there is a complete dataset at OUTPUT, which nobody replaces.
pub(super) fn is_sealed(place: &OutputLocation) -> bool {
    matches!(place.state(), Ok(OutputState::Sealed(_)))
}
