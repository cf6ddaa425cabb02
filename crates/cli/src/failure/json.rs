//! The JSON object that a failed command prints with `--json`.

use std::error::Error;
use std::fmt::Display;

use serde::Serialize;

use super::kind::ErrorKind;
use crate::exit_status::ExitStatus;
use crate::report;

/// A failure for machines; `docs/json.md` describes the fields.
#[derive(Serialize)]
struct Failure {
    error: Description,
    exit_code: u8,
}

#[derive(Serialize)]
struct Description {
    kind: ErrorKind,
    message: String,
    causes: Vec<String>,
}

/// Prints the object on standard output. `chain` is the error and its causes.
pub(super) fn print_json<'a>(
    kind: ErrorKind,
    chain: impl Iterator<Item = &'a (dyn Error + 'static)>,
    status: ExitStatus,
) {
    let mut texts = chain.map(ToString::to_string);
    let message = texts.next().unwrap_or_else(|| "unknown error".to_owned());
    print(kind, message, texts.collect(), status);
}

/// Prints the object of a command line that is wrong.
pub(super) fn print_usage_json(message: &impl Display) {
    let (kind, status) = (ErrorKind::Usage, ExitStatus::WrongUsage);
    print(kind, message.to_string(), Vec::new(), status);
}

fn print(kind: ErrorKind, message: String, causes: Vec<String>, status: ExitStatus) {
    let failure = Failure {
        error: Description {
            kind,
            message,
            causes,
        },
        exit_code: status.code(),
    };
    // The error is on standard error in any case, so that nothing is hidden if
    // standard output cannot be written.
    if let Err(error) = report::json(&failure) {
        report::warning(&format!("cannot print the result as JSON: {error:#}"));
    }
}
