//! Progress bars, and messages that several observers print.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use rxrx_writer::Event;

use crate::report::{line, quantity, warning};
use crate::verbosity::Verbosity;

/// Creates a bar; it is hidden if standard error is not a terminal or the user
/// asked for `--quiet`.
pub(super) fn bar(verbosity: Verbosity, template: &str) -> ProgressBar {
    let target = if verbosity == Verbosity::Quiet {
        ProgressDrawTarget::hidden()
    } else {
        // Draws nothing if standard error is not a terminal.
        ProgressDrawTarget::stderr()
    };
    let style =
        ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::with_draw_target(Some(0), target).with_style(style.progress_chars("=> "))
}

/// Warns that the store has no conditional writes.
pub(super) fn warn_not_exclusive() {
    warning(
        "the store has no conditional writes, so that it cannot keep other writers out: make sure \
         that no other process writes this output",
    );
}

/// Warns that a loss of power can lose finished work.
pub(super) fn warn_names_not_flushed() {
    warning(
        "the file system of the output cannot flush the names in a folder: after a loss of power, \
         verify the dataset, or start over with --overwrite",
    );
}

/// Says why the run does not begin yet.
pub(super) fn tell_waiting(holder: &str) {
    line(format!(
        "the output was last written by {holder}: waiting for up to a minute to see whether it \
         still runs"
    ));
}

/// Tells how a dataset takes the place of another one.
pub(super) fn tell_switch(event: Event<'_>) {
    match event {
        Event::Switching => line(
            "the new dataset is complete; it takes the place of the former one, which nobody can \
             open meanwhile",
        ),
        Event::LeftBehind { objects } => line(format!(
            "{} of the former dataset, which the new one lacks, will stay in the store; no list of \
             the dataset names them",
            quantity(objects, "object")
        )),
        Event::CardKept { changes } => line(format!(
            "README.md was edited, so it stays as it is; the card of the new dataset would change \
             these lines (- in yours, + in the new one):\n{changes}"
        )),
        _ => {}
    }
}

/// Says which checksum protects the uploads.
pub(super) fn tell_checksum(checksum: &str) {
    line(format!(
        "the store refuses SHA-256 checksums of uploads: --store-option checksum={checksum} is \
          used"
    ));
}
