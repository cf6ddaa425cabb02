//! `rxrx2zarr completions` and `rxrx2zarr man`: texts made of the command line.

use clap::Command;

use crate::arguments::{CompletionsArguments, ManArguments, Program};
use crate::exit_status::ExitStatus;
use crate::failure::NoCommand;
use crate::report;

const NAME: &str = "rxrx2zarr";

/// Prints the completions of a shell.
pub(crate) fn completions(arguments: &CompletionsArguments) -> anyhow::Result<ExitStatus> {
    let mut text = Vec::new();
    clap_complete::generate(
        arguments.shell,
        &mut Program::whole_command(),
        NAME,
        &mut text,
    );
    report::print(|out| out.write_all(&text))?;
    Ok(ExitStatus::Complete)
}

/// Prints a manual page.
pub(crate) fn man(arguments: &ManArguments) -> anyhow::Result<ExitStatus> {
    // Subcommands get the options of all commands, and their whole names.
    let mut program = Program::whole_command();
    program.build();
    let mut command: &Command = &program;
    for name in &arguments.command {
        command = command
            .find_subcommand(name)
            .ok_or_else(|| NoCommand(arguments.command.join(" ")))?;
    }
    let name = [NAME]
        .into_iter()
        .chain(arguments.command.iter().map(String::as_str));
    let name = name.collect::<Vec<_>>().join("-");
    let mut text = Vec::new();
    clap_mangen::Man::new(command.clone().name(name)).render(&mut text)?;
    report::print(|out| out.write_all(&text))?;
    Ok(ExitStatus::Complete)
}
