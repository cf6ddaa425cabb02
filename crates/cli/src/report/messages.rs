//! Errors and warnings on standard error.

use std::fmt::Display;

use super::streams::labelled_line;

/// Prints an error and its causes, the outermost first.
pub(crate) fn error(error: &anyhow::Error) {
    let label = console::style("error:").for_stderr().red().bold();
    labelled_line(label, "error:", &format!("{error:#}"));
}

/// Warns that the result of a command could not be printed. The exit code tells what was
/// done, and that is `done`.
pub(crate) fn warn_not_printed(done: &str, error: impl Display) {
    warning(&format!(
        "{done}, but this cannot be printed on standard output: {error:#}"
    ));
}

/// Prints a warning.
pub(crate) fn warning(text: &str) {
    let label = console::style("warning:").for_stderr().yellow().bold();
    labelled_line(label, "warning:", text);
}
