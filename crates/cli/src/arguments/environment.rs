//! Environment variables that give options their values.

use std::env;

use clap::builder::BoolishValueParser;
use clap::{Arg, ArgAction, Command};

/// Every variable begins with it: `--store-option` is `RXRX2ZARR_STORE_OPTION`.
const PREFIX: &str = "RXRX2ZARR_";

/// Options that replace or remove something, or skip a check. Somebody must type them each
/// time: a variable that was forgotten in a profile of the shell would answer for a person.
const TYPED: [&str; 8] = [
    "abandon",
    "allow-missing",
    "ignore-space",
    "no-download",
    "overwrite",
    "retry-bad",
    "help",
    "version",
];

/// Options of `verify` that need another one, which a variable does not give.
const OF_SOURCE: [&str; 6] = [
    "metadata",
    "join",
    "on",
    "platemap",
    "embeddings",
    "profile",
];

/// Lets a variable give each option of a command, and of its subcommands.
pub(super) fn with_environment(command: Command) -> Command {
    let is_verify = command.get_name() == "verify";
    let command = command.mut_args(|arg| match variable(&arg) {
        Some((name, _)) if is_verify && OF_SOURCE.contains(&name.as_str()) => arg,
        Some((_, variable)) => {
            let arg = match arg.get_action() {
                ArgAction::SetTrue => arg.value_parser(BoolishValueParser::new()),
                _ => arg,
            };
            arg.env(variable).hide_env(true)
        }
        None => arg,
    });
    command.mut_subcommands(with_environment)
}

/// Returns the long name of an option, and its variable.
fn variable(arg: &Arg) -> Option<(String, String)> {
    let name = arg.get_long().filter(|name| !TYPED.contains(name))?;
    let variable = format!("{PREFIX}{}", name.replace('-', "_").to_uppercase());
    Some((name.to_owned(), variable))
}

/// Returns the variables that are set and that some option of `command` reads.
pub(super) fn set_variables(command: &Command) -> Vec<String> {
    let mut variables: Vec<String> = command
        .get_subcommands()
        .flat_map(set_variables)
        .chain(command.get_arguments().filter_map(|arg| {
            let variable = arg.get_env()?.to_str()?.to_owned();
            env::var_os(&variable).map(|_| variable)
        }))
        .collect();
    variables.sort();
    variables.dedup();
    variables
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::arguments::Program;

    fn variables_of(command: &Command, all: &mut Vec<String>) {
        let variables = command.get_arguments().filter_map(|arg| arg.get_env());
        all.extend(variables.filter_map(|name| name.to_str().map(str::to_owned)));
        for subcommand in command.get_subcommands() {
            variables_of(subcommand, all);
        }
    }

    #[test]
    fn options_have_variables_unless_they_replace_or_skip_something() {
        let mut all = Vec::new();
        variables_of(&with_environment(Program::command()), &mut all);
        for name in ["JOBS", "CODEC", "STORE_OPTION", "SHARD_SITES", "QUIET"] {
            assert!(all.contains(&format!("{PREFIX}{name}")), "{name}");
        }
        for name in [
            "OVERWRITE",
            "IGNORE_SPACE",
            "RETRY_BAD",
            "ALLOW_MISSING",
            "ABANDON",
        ] {
            assert!(!all.contains(&format!("{PREFIX}{name}")), "{name}");
        }
    }
}
