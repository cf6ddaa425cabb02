//! The failure of a command, as programs and people are told it.

use rxrx_writer::ConvertError;

use super::error::Stopped;
use super::kind::{ErrorKind, kind_of};
use crate::exit_status::ExitStatus;
use crate::report;

/// The failure of a command.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Failure {
    /// Who can remove the cause.
    pub kind: ErrorKind,
    /// The error, in English.
    pub message: String,
    /// The causes of the error, the nearest first; may be empty.
    pub causes: Vec<String>,
    /// Problems of the input that `message` counts, each with examples; may be empty.
    pub problems: Vec<String>,
    /// The state of OUTPUT and the way to go on, if there is more to say about them.
    pub advice: Option<String>,
    /// The exit code that `docs/json.md` gives to the failure.
    pub exit_code: u8,
}

impl Failure {
    /// Describes an error.
    pub(crate) fn of(error: &anyhow::Error) -> Self {
        let kind = kind_of(error);
        let stopped = error.downcast_ref::<Stopped>();
        let status = match (stopped, kind) {
            (Some(stopped), _) => ExitStatus::Stopped(stopped.signal),
            (None, ErrorKind::Usage) => ExitStatus::WrongUsage,
            (None, ErrorKind::Interrupted) => ExitStatus::INTERRUPTED,
            (None, _) => ExitStatus::Failed,
        };
        let mut texts = error.chain().map(ToString::to_string);
        Self {
            kind,
            message: texts.next().unwrap_or_else(|| "unknown error".to_owned()),
            causes: texts.collect(),
            problems: problems(error),
            advice: advice(error),
            exit_code: status.code(),
        }
    }
}

/// Advice for a run that was stopped or that failed.
const CONTINUE: &str = "nothing is lost: the same command continues";

/// Returns the images that are missing or do not fit, which the text of the error only
/// counts.
fn problems(error: &anyhow::Error) -> Vec<String> {
    match error.downcast_ref() {
        Some(ConvertError::Missing { problems, .. } | ConvertError::Refused { problems }) => {
            report::blocking_problems(problems)
        }
        _ => Vec::new(),
    }
}

/// Returns the state of the output, if the text of the error does not have it.
fn advice(error: &anyhow::Error) -> Option<String> {
    match error.downcast_ref() {
        Some(ConvertError::Pipeline(_) | ConvertError::Seal(_) | ConvertError::Full { .. }) => {
            Some(format!(
                "the output is unfinished and not sealed; {CONTINUE} once the cause is removed"
            ))
        }
        _ => None,
    }
}
