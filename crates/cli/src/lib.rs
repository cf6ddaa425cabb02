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
mod cpu;
mod exit_status;
mod failure;
mod jobs;
mod outcome;
mod progress;
mod report;
mod session;
mod signals;
mod sites_file;
mod verbosity;
mod verdict;
mod version;
mod with_progress;

use std::ffi::OsString;
use std::fs::OpenOptions;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

pub use failure::{ErrorKind, Failure};
pub use report::Listener;
pub use rxrx_writer::Event;

use anyhow::Context;
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
        console: Console::of_program(program.verbosity(), program.progress),
        stop: None,
    };
    if let Err(error) = open_log(&program, arguments) {
        return failure::report_error(&error, json);
    }
    let status = commands::run(&program, &session).and_then(|done| match done {
        Done::Result(outcome) => outcome.print(json),
        Done::Printed(status) => Ok(status),
    });
    let code = match status {
        Ok(status) => status.code(),
        Err(error) => failure::report_error(&error, json),
    };
    report::log_line(&format!("ended with exit code {code}"));
    code
}

/// Opens the file of `--log-file`, and writes the command line into it: what is in it before
/// stays.
fn open_log(program: &Program, arguments: &[OsString]) -> anyhow::Result<()> {
    let Some(path) = &program.log_file else {
        return Ok(());
    };
    let mut options = OpenOptions::new();
    let file = options.append(true).create(true).open(path);
    let file = file.with_context(|| format!("cannot write the log {}", path.display()))?;
    report::set_log(file);
    let arguments = arguments
        .iter()
        .skip(1)
        .map(|word| word.display().to_string());
    let command: Vec<String> = arguments.collect();
    report::log_line(&format!("rxrx2zarr {}", command.join(" ")));
    Ok(())
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

/// Runs a command with `--json`, and returns its result. `arguments` is a command line,
/// whose first argument is the name of the program. `listener` receives what the command
/// would print on standard error. A conversion stops soon after `stop` becomes true, as
/// after SIGINT.
///
/// # Errors
/// [`Failure`]: the command line is wrong or has no `--json`, or the command failed.
pub fn call(
    arguments: &[OsString],
    listener: &dyn Listener,
    stop: &Arc<AtomicBool>,
) -> Result<Answer, Failure> {
    let program = Program::parse_from(arguments).map_err(|error| failure::usage_failure(&error))?;
    if !program.command.is_json() {
        return Err(failure::usage("the command line has no --json"));
    }
    let verbosity = match program.verbosity() {
        // Events tell each stored object.
        Verbosity::Verbose => Verbosity::Normal,
        verbosity => verbosity,
    };
    let session = Session {
        console: Console::of_listener(verbosity, listener),
        stop: Some(Arc::clone(stop)),
    };
    let done = commands::run(&program, &session).map_err(|error| Failure::of(&error))?;
    Ok(match done {
        Done::Result(outcome) => Answer {
            json: outcome.fields.to_string(),
            exit_code: outcome.status.code(),
        },
        // Commands that print by themselves have no --json.
        Done::Printed(status) => Answer {
            json: "{}".to_owned(),
            exit_code: status.code(),
        },
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::atomic::Ordering;

    use super::*;

    /// Keeps what it hears.
    #[derive(Default)]
    struct Heard(Mutex<Vec<String>>);

    impl Heard {
        fn add(&self, text: String) {
            self.0.lock().unwrap().push(text);
        }
    }

    impl Listener for Heard {
        fn warning(&self, text: &str) {
            self.add(format!("warning: {text}"));
        }

        fn message(&self, text: &str) {
            self.add(text.to_owned());
        }

        fn event(&self, event: &Event<'_>) {
            if let Event::Started { sites, units } = event {
                self.add(format!("{sites} sites, {units} units"));
            }
        }
    }

    fn line(text: &str) -> Vec<OsString> {
        text.split(' ').map(OsString::from).collect()
    }

    #[test]
    fn a_call_tells_its_result_and_can_be_stopped() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().to_str().unwrap();
        let sample = format!("rxrx2zarr sample {path}/in --sites 4 --size 64 --quiet");
        assert_eq!(run(&line(&sample)), 0);
        let convert = line(&format!("rxrx2zarr convert --json {path}/in {path}/out"));
        let (heard, stop) = (Heard::default(), Arc::new(AtomicBool::new(true)));
        let failure = call(&convert, &heard, &stop).unwrap_err();
        assert_eq!(
            (failure.kind, failure.exit_code),
            (ErrorKind::Interrupted, 130)
        );
        assert_eq!(failure.message, "stopped before the conversion began");
        assert!(!folder.path().join("out").exists());

        stop.store(false, Ordering::Relaxed);
        let answer = call(&convert, &heard, &stop).unwrap();
        assert_eq!(answer.exit_code, 0);
        assert!(answer.json.contains("\"sites\":4"), "{}", answer.json);
        let heard = heard.0.into_inner().unwrap();
        assert!(heard.contains(&"4 sites, 1 units".to_owned()), "{heard:?}");
    }

    #[test]
    fn a_call_that_is_wrong_does_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("made");
        let fails = |text: &str| {
            let stop = Arc::new(AtomicBool::new(false));
            call(&line(text), &Heard::default(), &stop).unwrap_err()
        };
        let failure = fails(&format!("rxrx2zarr sample {}", path.display()));
        assert_eq!((failure.kind, failure.exit_code), (ErrorKind::Usage, 2));
        assert!(!path.exists());
        assert_eq!(fails("rxrx2zarr convert --json in").kind, ErrorKind::Usage);
        let failure = fails("rxrx2zarr info --json /nowhere");
        assert_eq!((failure.kind, failure.exit_code), (ErrorKind::Input, 1));
    }
}
