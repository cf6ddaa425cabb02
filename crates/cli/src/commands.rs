//! One file a subcommand.

pub(crate) mod convert;
pub(crate) mod demo;
pub(crate) mod info;
pub(crate) mod plan;
pub(crate) mod publish;
pub(crate) mod sample;
pub(crate) mod verify;

use rxrx_writer::metadata::JoinError;
use rxrx_writer::{LocationError, PlanInputError};

/// Whether `error` is about the command line rather than about data.
pub(crate) fn is_usage_error(error: &anyhow::Error) -> bool {
    if error.is::<LocationError>() {
        return true;
    }
    match error.downcast_ref::<PlanInputError>() {
        Some(PlanInputError::Selection(_) | PlanInputError::Join(JoinError::Selection { .. })) => {
            true
        }
        Some(PlanInputError::Plan(error)) => error.is_layout(),
        _ => false,
    }
}
