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
//! `exit_status.rs` lists the exit codes.

#![allow(clippy::print_stderr, reason = "this crate prints for users")]

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

use clap::Parser;

use arguments::Program;

fn main() -> ExitCode {
    rxrx_writer::keep_no_free_memory();
    commands::run(&Program::parse())
        .unwrap_or_else(|error| failure::report_error(&error))
        .into()
}
