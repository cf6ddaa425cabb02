//! `rxrx2zarr`: converts RxRx1-like microscopy images into a sharded Zarr v3
//! array with Parquet tables.
//!
//! The crate parses the command line, calls the library, draws progress on
//! standard error, prints results on standard output and returns an exit code.
//!
//! ```text
//! arguments ──> commands ──> with_progress ──> rxrx_writer
//!                  │             └─> progress           standard error
//!                  ├─> report                           standard output
//!                  └─> failure                          error, its kind, exit code
//! ```
//!
//! `docs/json.md` lists the exit codes and the output of `--json`.

mod arguments;
mod commands;
mod exit_status;
mod failure;
mod jobs;
mod progress;
mod report;
mod sample;
mod signals;
mod verbosity;
mod with_progress;

use std::process::ExitCode;

use arguments::Program;

fn main() -> ExitCode {
    #[allow(unsafe_code, reason = "one call, with its proof")]
    // SAFETY: this is the first statement of the program: no other thread exists.
    unsafe {
        rxrx_writer::set_mmap_threshold();
    }
    let status = match Program::from_command_line() {
        Ok(program) => commands::run(&program)
            .unwrap_or_else(|error| failure::report_error(&error, program.command.is_json())),
        Err(error) => failure::report_usage(&error),
    };
    status.into()
}
