//! The subcommands, one in each file.

mod convert;
mod demo;
mod info;
mod plan;
mod publish;
mod sample;
mod verify;

use crate::arguments::{Command, Program};
use crate::exit_status::ExitStatus;

/// Runs the subcommand of the command line.
pub(crate) fn run(program: &Program) -> anyhow::Result<ExitStatus> {
    let verbosity = program.verbosity();
    match &program.command {
        Command::Convert(arguments) => convert::run(arguments, verbosity),
        Command::Plan(arguments) => plan::run(arguments, verbosity),
        Command::Verify(arguments) => verify::run(arguments, verbosity),
        Command::Info(arguments) => info::run(arguments),
        Command::Publish(arguments) => publish::run(arguments, verbosity),
        Command::Sample(arguments) => sample::run(arguments, verbosity),
        Command::Demo(arguments) => demo::run(arguments, verbosity),
    }
}
