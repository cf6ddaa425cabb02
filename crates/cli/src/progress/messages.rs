//! Messages that several observers print.

use rxrx_writer::Event;

use crate::report::{Console, quantity};

/// Warns that the store has no conditional writes.
pub(super) fn warn_not_exclusive(console: Console<'_>) {
    console.warning(
        "the store has no conditional writes, so that it cannot keep other writers out: make sure \
         that no other process writes this output",
    );
}

/// Warns that a loss of power can lose finished work.
pub(super) fn warn_names_not_flushed(console: Console<'_>) {
    console.warning(
        "the file system of the output cannot flush the names in a folder: after a loss of power, \
         verify the dataset, or start over with --overwrite",
    );
}

/// Says why the run does not begin yet.
pub(super) fn tell_waiting(console: Console<'_>, holder: &str) {
    console.line(format!(
        "the output was last written by {holder}: waiting for up to a minute to see whether it \
         still runs"
    ));
}

/// Tells how a dataset takes the place of another one.
pub(super) fn tell_switch(console: Console<'_>, event: Event<'_>) {
    match event {
        Event::Switching => console.line(
            "the new dataset is complete; it takes the place of the former one, which nobody can \
             open meanwhile",
        ),
        Event::LeftBehind { objects } => console.line(format!(
            "{} of the former dataset, which the new one lacks, will stay in the store; no list of \
             the dataset names them",
            quantity(objects, "object")
        )),
        Event::CardKept { changes } => console.line(format!(
            "README.md was edited, so it stays as it is; the card of the new dataset would change \
             these lines (- in yours, + in the new one):\n{changes}"
        )),
        _ => {}
    }
}

/// Says which checksum protects the uploads.
pub(super) fn tell_checksum(console: Console<'_>, checksum: &str) {
    console.line(format!(
        "the store refuses SHA-256 checksums of uploads: --store-option checksum={checksum} is \
          used"
    ));
}
