//! Progress of an upload.

use indicatif::ProgressBar;
use rxrx_writer::{Event, Observer};

use super::bar::{bar, tell_checksum, tell_switch, tell_waiting, warn_not_exclusive};
use crate::report::{bytes, is_terminal, line};
use crate::verbosity::Verbosity;

/// Draws the number of objects that are checked or uploaded.
pub(crate) struct ObjectProgress {
    verbosity: Verbosity,
    bar: ProgressBar,
}

impl ObjectProgress {
    /// Creates a bar.
    pub(crate) fn new(verbosity: Verbosity) -> Self {
        Self {
            verbosity,
            bar: bar(verbosity, "{msg} {bar:30} {pos}/{len} objects  {eta} left"),
        }
    }

    /// Removes the bar.
    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }

    /// Starts a step; `action` is its verb.
    fn begin(&self, action: &'static str, objects: usize) {
        self.bar.reset();
        self.bar.set_length(objects as u64);
        self.bar.set_message(action);
        if self.verbosity > Verbosity::Quiet && !is_terminal() {
            line(format_args!("{action} {objects} objects"));
        }
    }
}

impl Observer for ObjectProgress {
    fn notice(&self, event: Event<'_>) {
        match event {
            Event::Checking { objects } => self.begin("checking", objects),
            Event::Publishing { objects } => self.begin("uploading", objects),
            Event::NotExclusive => self.bar.suspend(warn_not_exclusive),
            Event::OtherChecksum { checksum } if self.verbosity > Verbosity::Quiet => {
                self.bar.suspend(|| tell_checksum(checksum));
            }
            Event::WaitingForLease { holder } if self.verbosity > Verbosity::Quiet => {
                self.bar.suspend(|| tell_waiting(holder));
            }
            Event::ObjectDone { key, bytes: size } => {
                self.bar.inc(1);
                if self.verbosity == Verbosity::Verbose {
                    let text = format!("{key}  {}", bytes(size));
                    self.bar.suspend(|| line(text));
                }
            }
            _ if self.verbosity > Verbosity::Quiet => self.bar.suspend(|| tell_switch(event)),
            _ => {}
        }
    }
}
