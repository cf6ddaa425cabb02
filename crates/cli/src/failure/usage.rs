//! Errors of the command line, as clap reports them.

use std::ffi::OsString;
use std::io;

use super::description::Failure;
use super::json::print_json;
use super::kind::ErrorKind;
use crate::exit_status::ExitStatus;
use crate::report;

/// Prints what clap has to say: help or the version on standard output, or an
/// error on standard error and, with `--json`, as one JSON object on standard
/// output. Returns the exit code.
pub(crate) fn report_usage(error: &clap::Error, arguments: &[OsString]) -> u8 {
    if !error.use_stderr() {
        return print_help(error).code();
    }
    let text = error.render().to_string();
    if report::plain(&text) == text {
        // With colours on a terminal. What cannot be written is dropped.
        let _ = error.print();
    } else {
        report::line(text.trim_end());
    }
    let failure = usage_failure(error);
    if is_json_requested(arguments) {
        print_json(&failure);
    }
    failure.exit_code
}

/// Describes an error of the command line.
pub(crate) fn usage_failure(error: &clap::Error) -> Failure {
    usage(&message(&error.render().to_string()))
}

/// Returns the failure of a command line that is wrong.
pub(crate) fn usage(message: &str) -> Failure {
    Failure {
        kind: ErrorKind::Usage,
        message: message.to_owned(),
        causes: Vec::new(),
        problems: Vec::new(),
        advice: None,
        exit_code: ExitStatus::WrongUsage.code(),
    }
}

/// Prints help or the version on standard output.
fn print_help(error: &clap::Error) -> ExitStatus {
    match error.print() {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            report::warning(&format!("cannot print on standard output: {error}"));
            ExitStatus::Failed
        }
        _ => ExitStatus::Complete,
    }
}

/// Returns whether the command line, which could not be parsed, has `--json`.
fn is_json_requested(arguments: &[OsString]) -> bool {
    let options = arguments.iter().take_while(|argument| *argument != "--");
    options.skip(1).any(|argument| argument == "--json")
}

/// Returns the message of a rendered error without its label and its advice.
fn message(rendered: &str) -> String {
    let text = rendered.strip_prefix("error: ").unwrap_or(rendered);
    let lines = text.split("\n\n").next().unwrap_or(text).lines();
    let lines: Vec<&str> = lines.map(str::trim).collect();
    lines.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_has_neither_label_nor_usage() {
        let rendered = "error: the following required arguments were not provided:\n  \
                        <OUTPUT>\n\nUsage: rxrx2zarr convert <INPUT> <OUTPUT>\n";
        assert_eq!(
            message(rendered),
            "the following required arguments were not provided: <OUTPUT>"
        );
    }
}
