//! A command that failed: errors of the CLI, kinds of errors, and how they are
//! printed.
//!
//! ```text
//! error (anyhow) ──kind_of──> ErrorKind ──> exit code
//!        │                        │
//!        └────────> Failure <─────┘
//!                      ├──> text on stderr
//!                      └──> with --json: one object on stdout
//! ```

mod description;
mod error;
mod json;
mod kind;
mod no_dataset;
mod usage;

pub use description::Failure;
pub(crate) use error::{
    CompareError, ForkedError, NoColumn, NoCommand, OutputFile, Stopped, StoppedEarly,
    TooManyChannels,
};
pub(crate) use no_dataset::no_dataset;
pub(crate) use usage::{report_usage, usage, usage_failure};

use crate::report;
use json::print_json;
pub use kind::ErrorKind;

/// Prints an error on standard error, and as one JSON object on standard output
/// if `json`; returns the exit code.
pub(crate) fn report_error(error: &anyhow::Error, json: bool) -> u8 {
    let failure = Failure::of(error);
    if failure.kind == ErrorKind::Interrupted {
        report::warning(&format!("{error:#}"));
    } else {
        failure.problems.iter().for_each(report::line);
        failure
            .advice
            .as_deref()
            .into_iter()
            .for_each(report::warning);
        report::error(error);
    }
    if json {
        print_json(&failure);
    }
    failure.exit_code
}
