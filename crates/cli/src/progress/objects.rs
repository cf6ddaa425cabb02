//! Progress of an upload.

use indicatif::ProgressBar;
use rxrx_writer::{Event, Observer};

use super::bar::{bar, tell_checksum, tell_switch, tell_waiting, warn_not_exclusive};
use crate::report::{Console, bytes};
use crate::verbosity::Verbosity;

/// Draws the number of objects that are checked or uploaded.
pub(crate) struct ObjectProgress<'a> {
    console: Console<'a>,
    bar: ProgressBar,
}

impl<'a> ObjectProgress<'a> {
    /// Creates a bar.
    pub(crate) fn new(console: Console<'a>) -> Self {
        Self {
            console,
            bar: bar(console, "{msg} {bar:30} {pos}/{len} objects  {eta} left"),
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
        if self.console.has_lines() {
            self.console
                .line(format_args!("{action} {objects} objects"));
        }
    }
}

impl Observer for ObjectProgress<'_> {
    fn notice(&self, event: Event<'_>) {
        let console = self.console;
        console.event(&event);
        let is_told = console.verbosity() > Verbosity::Quiet;
        match event {
            Event::Checking { objects } => self.begin("checking", objects),
            Event::Publishing { objects } => self.begin("uploading", objects),
            Event::NotExclusive => self.bar.suspend(|| warn_not_exclusive(console)),
            Event::OtherChecksum { checksum } if is_told => {
                self.bar.suspend(|| tell_checksum(console, checksum));
            }
            Event::WaitingForLease { holder } if is_told => {
                self.bar.suspend(|| tell_waiting(console, holder));
            }
            Event::ObjectDone { key, bytes: size } => {
                self.bar.inc(1);
                if console.verbosity() == Verbosity::Verbose {
                    let text = format!("{key}  {}", bytes(size));
                    self.bar.suspend(|| console.line(text));
                }
            }
            _ if is_told => self.bar.suspend(|| tell_switch(console, event)),
            _ => {}
        }
    }
}
