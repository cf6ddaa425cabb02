//! `rxrx2zarr`: converts RxRx1-like microscopy images into a sharded Zarr v3
//! array with Parquet tables.
//!
//! The crate parses the command line, calls the library, draws progress on
//! standard error, prints results on standard output and returns an exit code.
//!
//! ```text
//! arguments ──> commands ──> with_progress ──> rxrx_writer
//!                  │             └─> progress           standard error
//!                  ├─> outcome ──> report               standard output
//!                  └─> failure                          error, its kind, exit code
//! ```
//!
//! [`run`] is the program. [`call`] runs the same commands for a program that wants
//! their results as values: nothing is printed, and no signal is handled.
//!
//! `docs/json.md` lists the exit codes and the output of `--json`.

mod arguments;
mod commands;
mod exit_status;
mod failure;
mod jobs;
mod outcome;
mod progress;
mod report;
mod sample;
mod session;
mod signals;
mod verbosity;
mod with_progress;

use std::ffi::OsString;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

pub use failure::{ErrorKind, Failure};
pub use report::Listener;
pub use rxrx_writer::Event;

use arguments::Program;
use commands::Done;
use report::Console;
use session::Session;
use verbosity::Verbosity;

/// Runs the program with a command line, whose first argument is the name of the program,
/// and returns the exit code. Prints results on standard output, and all else on standard
/// error. A conversion handles the signals that ask it to stop.
pub fn run(arguments: &[OsString]) -> u8 {
    let program = match Program::parse_from(arguments) {
        Ok(program) => program,
        Err(error) => return failure::report_usage(&error, arguments),
    };
    let json = program.command.is_json();
    let session = Session {
        console: Console::of_program(program.verbosity()),
        stop: None,
    };
    let status = commands::run(&program, &session).and_then(|done| match done {
        Done::Result(outcome) => outcome.print(json),
        Done::Printed(status) => Ok(status),
    });
    match status {
        Ok(status) => status.code(),
        Err(error) => failure::report_error(&error, json),
    }
}

/// The result of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Answer {
    /// The JSON object that the command prints with `--json`; see `docs/json.md`.
    pub json: String,
    /// The exit code of the command. It need not be 0: see `docs/json.md`.
    pub exit_code: u8,
}

/// Runs a command that has `--json`, and returns its result. `arguments` is a command line,
/// whose first argument is the name of the program. `listener` receives what the command
/// would print on standard error. A conversion stops soon after `stop` becomes true, as
/// after SIGINT.
///
/// # Errors
/// [`Failure`]: the command line is wrong, its command has no `--json`, or the command
/// failed.
pub fn call(
    arguments: &[OsString],
    listener: &dyn Listener,
    stop: &Arc<AtomicBool>,
) -> Result<Answer, Failure> {
    let program = Program::parse_from(arguments).map_err(|error| failure::usage_failure(&error))?;
    let verbosity = match program.verbosity() {
        // Events tell each stored object.
        Verbosity::Verbose => Verbosity::Normal,
        verbosity => verbosity,
    };
    let session = Session {
        console: Console::of_listener(verbosity, listener),
        stop: Some(Arc::clone(stop)),
    };
    match commands::run(&program, &session) {
        Ok(Done::Result(outcome)) => Ok(Answer {
            json: outcome.fields.to_string(),
            exit_code: outcome.status.code(),
        }),
        Ok(Done::Printed(_)) => Err(Failure::of(&anyhow::anyhow!("the command has no --json"))),
        Err(error) => Err(Failure::of(&error)),
    }
}
