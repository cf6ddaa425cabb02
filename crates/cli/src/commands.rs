//! The subcommands, one in each file.

mod clean;
mod convert;
mod demo;
mod info;
mod job;
mod manual;
mod montage;
mod plan;
mod publish;
mod report;
mod sample;
mod serve;
mod verify;

use std::process;
use std::sync::{Mutex, PoisonError};

use anyhow::Context;

use crate::arguments::{Command, Program};
use crate::cpu::hold_to_variable;
use crate::exit_status::ExitStatus;
use crate::failure::ForkedError;
use crate::outcome::Outcome;
use crate::session::Session;

/// A command that has run.
pub(crate) enum Done {
    /// The result is still to be printed.
    Result(Outcome),
    /// The command has printed its result.
    Printed(ExitStatus),
}

/// Runs the subcommand of the command line.
pub(crate) fn run(program: &Program, session: &Session<'_>) -> anyhow::Result<Done> {
    hold_to_variable()?;
    if let Command::Convert(_) | Command::Verify(_) | Command::Demo(_) | Command::Job(_) =
        program.command
    {
        start_label_pool()?;
    }
    let console = session.console;
    let outcome = match &program.command {
        Command::Convert(arguments) => convert::run(arguments, session)?,
        Command::Job(arguments) => job::run(arguments, session)?,
        Command::Plan(arguments) => plan::run(arguments, session)?,
        Command::Verify(arguments) => verify::run(arguments, session)?,
        Command::Info(arguments) => info::run(arguments, session)?,
        Command::Clean(arguments) => clean::run(arguments, session)?,
        Command::Publish(arguments) => publish::run(arguments, session)?,
        Command::Montage(arguments) => montage::run(arguments)?,
        Command::Report(arguments) => report::run(arguments, session)?,
        Command::Serve(arguments) => return Ok(Done::Printed(serve::run(arguments, session)?)),
        Command::Sample(arguments) => return Ok(Done::Printed(sample::run(arguments, console)?)),
        Command::Completions(arguments) => {
            return Ok(Done::Printed(manual::completions(arguments)?));
        }
        Command::Man(arguments) => return Ok(Done::Printed(manual::man(arguments)?)),
        Command::Demo(arguments) => return Ok(Done::Printed(demo::run(arguments, console)?)),
    };
    Ok(Done::Result(outcome))
}

/// The process that started the pool of [`start_label_pool`].
static LABEL_POOL: Mutex<Option<u32>> = Mutex::new(None);

/// Starts the global thread pool of rayon, once in a process. The library that encodes
/// labels asks for it, and panics if the system gives no thread, which would be after all
/// images are converted. A label has one chunk, so that one thread is enough.
fn start_label_pool() -> anyhow::Result<()> {
    let mut started = LABEL_POOL.lock().unwrap_or_else(PoisonError::into_inner);
    match *started {
        Some(process) if process == process::id() => return Ok(()),
        // The pool has no thread here, so that the work on labels would wait for ever.
        Some(_) => return Err(ForkedError.into()),
        None => {}
    }
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1);
    pool.build_global().context(
        "cannot start a thread: allow more of them (ulimit -u, or the limit of the container)",
    )?;
    *started = Some(process::id());
    Ok(())
}
