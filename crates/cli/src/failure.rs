//! A command that failed: errors of the CLI, kinds of errors, and how they are
//! printed.
//!
//! ```text
//! error (anyhow) ──kind_of──> ErrorKind ──> exit code
//!        │                        │
//!        └──> text on stderr      └──> with --json: one object on stdout
//! ```

mod error;
mod json;
mod kind;
mod usage;

pub(crate) use error::{CompareError, Stopped};
pub(crate) use usage::report_usage;

use rxrx_writer::ConvertError;

use crate::exit_status::ExitStatus;
use crate::report;
use json::print_json;
use kind::{ErrorKind, kind_of};

/// Prints an error on standard error, and as one JSON object on standard output
/// if `json`; returns the status that the process ends with.
pub(crate) fn report_error(error: &anyhow::Error, json: bool) -> ExitStatus {
    let kind = kind_of(error);
    let stopped = error.downcast_ref::<Stopped>();
    let status = match (stopped, kind) {
        (Some(stopped), _) => ExitStatus::Stopped(stopped.signal),
        (None, ErrorKind::Usage) => ExitStatus::WrongUsage,
        (None, _) => ExitStatus::Failed,
    };
    if stopped.is_some() {
        report::warning(&format!("{error:#}"));
    } else {
        explain(error);
        report::error(error);
    }
    if json {
        print_json(kind, error.chain(), status);
    }
    status
}

/// Advice for a run that was stopped or that failed.
const CONTINUE: &str = "nothing is lost: the same command continues";

/// Prints what the text of a conversion error does not have: the images that are
/// missing or do not fit, and the state of the output.
fn explain(error: &anyhow::Error) {
    match error.downcast_ref() {
        Some(ConvertError::Missing { problems, .. } | ConvertError::Refused { problems }) => {
            report::blocking_problems(problems);
        }
        Some(ConvertError::Pipeline(_) | ConvertError::Seal(_) | ConvertError::Full { .. }) => {
            report::warning(&format!(
                "the output is unfinished and not sealed; {CONTINUE} once the cause is removed"
            ));
        }
        _ => {}
    }
}
