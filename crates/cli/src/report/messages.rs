//! Errors and warnings on standard error.

use super::text::plain;

/// Prints an error and its causes, the outermost first.
pub(crate) fn error(error: &anyhow::Error) {
    let label = console::style("error:").for_stderr().red().bold();
    eprintln!("{label} {}", plain(&format!("{error:#}")));
}

/// Prints a warning.
pub(crate) fn warning(text: &str) {
    let label = console::style("warning:").for_stderr().yellow().bold();
    eprintln!("{label} {}", plain(text));
}
