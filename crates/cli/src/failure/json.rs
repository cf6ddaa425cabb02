//! The JSON object that a failed command prints with `--json`.

use serde::Serialize;

use super::description::Failure;
use super::kind::ErrorKind;
use crate::report;

/// A failure for machines; `docs/json.md` describes the fields.
#[derive(Serialize)]
struct Document<'a> {
    error: Description<'a>,
    exit_code: u8,
}

#[derive(Serialize)]
struct Description<'a> {
    kind: ErrorKind,
    message: &'a str,
    causes: &'a [String],
}

/// Prints the object on standard output.
pub(super) fn print_json(failure: &Failure) {
    let document = Document {
        error: Description {
            kind: failure.kind,
            message: &failure.message,
            causes: &failure.causes,
        },
        exit_code: failure.exit_code,
    };
    // The error is on standard error in any case, so that nothing is hidden if
    // standard output cannot be written.
    if let Err(error) = report::json(&document) {
        report::warning(&format!("cannot print the result as JSON: {error:#}"));
    }
}
