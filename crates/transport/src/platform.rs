//! The one call that differs between operating systems.

use std::process::Command;

/// Returns the command that has the shell run `text`.
#[cfg(unix)]
pub(crate) fn shell(text: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", text]);
    command
}

/// Returns the command that has the shell run `text`.
#[cfg(not(unix))]
pub(crate) fn shell(text: &str) -> Command {
    let mut command = Command::new("cmd");
    command.args(["/C", text]);
    command
}
