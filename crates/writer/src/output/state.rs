//! The states of OUTPUT, and what a conversion does in each.
//!
//! | state | `Continue` | `Replace` | `RetryBad` |
//! |---|---|---|---|
//! | free | begin | begin | error: nothing to retry |
//! | sealed | keep | replace | retry the bad units |
//! | unfinished | continue | replace | continue, and retry the bad units |
//! | unpublished | error: unpublished | replace | error: unpublished |
//! | switching | finish the same run | finish the same run, or replace | finish the same run |
//! | damaged | error: damaged | replace | error: damaged |
//! | foreign | error: foreign | error: foreign | error: foreign |

use rxrx_format::Root;
use rxrx_storage::Location;

use super::error::OutputError;
use super::existing::Existing;
use super::recorded_state::{Next, Plan};
use crate::journal::Run;

/// The state of OUTPUT.
#[derive(Debug)]
pub(crate) enum OutputState {
    /// There is nothing.
    Free,
    /// There is a complete dataset; without its root where this version of the
    /// program cannot read it.
    Sealed(Option<Box<Root>>),
    /// There is a run that was interrupted, or is in progress.
    Unfinished(Box<Run>),
    /// There is a publication that was interrupted, or is in progress.
    Unpublished(Box<Plan>),
    /// The dataset is being replaced by this one.
    Switching(Box<Next>),
    /// There are remains that cannot be continued, only replaced.
    Damaged(Box<OutputError>),
    /// There is something that no conversion wrote.
    Foreign,
}

/// The first step of a conversion, by the state of OUTPUT.
#[derive(Debug)]
pub(crate) enum Transition {
    /// Begin the run: OUTPUT is free.
    Begin,
    /// Build the dataset beside what is at OUTPUT, and replace that.
    Replace,
    /// Continue the run that is at OUTPUT.
    Continue(Box<Run>),
    /// Leave the complete dataset with this root as it is.
    Keep(Option<Box<Root>>),
    /// Convert the bad units of the complete dataset with this root once more.
    Retry(Option<Box<Root>>),
    /// Finish the switch to this dataset, if it is the one to be made.
    Switch(Box<Next>),
}

impl OutputState {
    /// Returns the first step of a conversion to `output`, which is in this state.
    pub(crate) fn transition(
        self,
        existing: Existing,
        output: &Location,
    ) -> Result<Transition, OutputError> {
        let path = || output.clone();
        Ok(match (self, existing) {
            (Self::Foreign, _) => return Err(OutputError::Foreign { path: path() }),
            (Self::Free, Existing::RetryBad) => {
                return Err(OutputError::NothingToRetry { path: path() });
            }
            (Self::Free, _) => Transition::Begin,
            (Self::Switching(next), _) => Transition::Switch(next),
            (_, Existing::Replace) => Transition::Replace,
            (Self::Damaged(error), _) => return Err(*error),
            (Self::Unpublished(_), _) => return Err(OutputError::Unpublished { path: path() }),
            (Self::Unfinished(run), _) => Transition::Continue(run),
            (Self::Sealed(root), Existing::Continue) => Transition::Keep(root),
            (Self::Sealed(root), Existing::RetryBad) => Transition::Retry(root),
        })
    }
}
