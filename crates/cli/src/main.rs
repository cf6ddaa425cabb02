//! `rxrx2zarr`: converts RxRx1-like microscopy images into a sharded Zarr v3
//! array with Parquet tables.
//!
//! Exit codes: 0 complete · 1 failed, nothing sealed · 2 wrong usage ·
//! 3 sealed, but some images are missing or could not be used · 130, 143 stopped
//! by a signal. Of `verify`: 0 all is as recorded · 1 it is not.

#![allow(clippy::print_stderr, reason = "this is the crate that draws")]

mod arguments;
mod commands;
mod progress;
mod report;
mod sample;
mod signals;

use std::process::ExitCode;

use clap::Parser;

use arguments::{Command, Program};

/// Something was wrong with what the user asked for.
const WRONG_USAGE: u8 = 2;
/// The work could not be done.
const FAILED: u8 = 1;

fn main() -> ExitCode {
    rxrx_writer::keep_no_free_memory();
    let program = Program::parse();
    let verbosity = program.verbosity();
    let result = match program.command {
        Command::Convert(arguments) => commands::convert::run(&arguments, verbosity),
        Command::Plan(arguments) => commands::plan::run(&arguments, verbosity),
        Command::Verify(arguments) => commands::verify::run(&arguments, verbosity),
        Command::Info(arguments) => commands::info::run(&arguments),
        Command::Publish(arguments) => commands::publish::run(&arguments, verbosity),
        Command::Sample(arguments) => commands::sample::run(&arguments, verbosity),
        Command::Demo(arguments) => commands::demo::run(&arguments, verbosity),
    };
    match result {
        Ok(code) => code,
        Err(error) if is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            report::error(&error);
            ExitCode::from(if commands::is_usage_error(&error) {
                WRONG_USAGE
            } else {
                FAILED
            })
        }
    }
}

/// Whether the reader of our output went away, as `head` does.
fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error
        .downcast_ref::<std::io::Error>()
        .is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}
