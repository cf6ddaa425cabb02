//! The subcommands, one in each file.

mod clean;
mod convert;
mod demo;
mod info;
mod job;
mod plan;
mod publish;
mod sample;
mod verify;

use anyhow::Context;

use crate::arguments::{Command, Program};
use crate::exit_status::ExitStatus;

/// Runs the subcommand of the command line.
pub(crate) fn run(program: &Program) -> anyhow::Result<ExitStatus> {
    let verbosity = program.verbosity();
    if let Command::Convert(_) | Command::Verify(_) | Command::Demo(_) | Command::Job(_) =
        program.command
    {
        start_label_pool()?;
    }
    match &program.command {
        Command::Convert(arguments) => convert::run(arguments, verbosity),
        Command::Job(arguments) => job::run(arguments, verbosity),
        Command::Plan(arguments) => plan::run(arguments, verbosity),
        Command::Verify(arguments) => verify::run(arguments, verbosity),
        Command::Info(arguments) => info::run(arguments),
        Command::Clean(arguments) => clean::run(arguments, verbosity),
        Command::Publish(arguments) => publish::run(arguments, verbosity),
        Command::Sample(arguments) => sample::run(arguments, verbosity),
        Command::Demo(arguments) => demo::run(arguments, verbosity),
    }
}

/// Starts the global thread pool of rayon. The library that encodes labels asks for it,
/// and panics if the system gives no thread, which would be after all images are
/// converted. A label has one chunk, so that one thread is enough.
fn start_label_pool() -> anyhow::Result<()> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1);
    pool.build_global().context(
        "cannot start a thread: allow more of them (ulimit -u, or the limit of the container)",
    )
}
