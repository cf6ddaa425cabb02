//! Progress of an upload.

use rxrx_writer::{Event, Observer};

use super::display::Display;
use super::messages::{tell_checksum, tell_switch, tell_waiting, warn_not_exclusive};
use crate::report::{Console, Shown, bytes, quantity};
use crate::verbosity::Verbosity;

/// Draws the number of objects that are checked or uploaded.
pub(crate) struct ObjectProgress<'a> {
    display: Display<'a>,
}

impl<'a> ObjectProgress<'a> {
    /// Begins to draw.
    pub(crate) fn new(console: Console<'a>) -> Self {
        Self {
            display: Display::new(console, "starting", "objects"),
        }
    }

    /// Removes the bar.
    pub(crate) fn finish(&self) {
        self.display.finish();
    }

    /// Starts a step; `action` is its verb.
    fn begin(&self, action: &'static str, objects: usize) {
        let console = self.display.console;
        self.display
            .meter(|meter, now| meter.begin(now, action, objects));
        if console.shown() == Shown::Lines {
            console.line(format_args!("{action} {}", quantity(objects, "object")));
        }
    }
}

impl Observer for ObjectProgress<'_> {
    fn notice(&self, event: Event<'_>) {
        let console = self.display.console;
        console.event(&event);
        let is_told = console.verbosity() > Verbosity::Quiet;
        match event {
            Event::Checking { objects } => self.begin("checking", objects),
            Event::Publishing { objects } => self.begin("uploading", objects),
            Event::NotExclusive => self.display.suspend(|| warn_not_exclusive(console)),
            Event::OtherChecksum { checksum } if is_told => {
                self.display.suspend(|| tell_checksum(console, checksum));
            }
            Event::WaitingForLease { holder } if is_told => {
                self.display.suspend(|| tell_waiting(console, holder));
            }
            Event::ObjectDone { key, bytes: size } => {
                self.display.meter(|meter, now| meter.advance(now, 1));
                if console.verbosity() == Verbosity::Verbose {
                    let text = format!("{key}  {}", bytes(size));
                    self.display.suspend(|| console.line(text));
                }
            }
            _ if is_told => self.display.suspend(|| tell_switch(console, event)),
            _ => {}
        }
    }
}
