//! Progress of a conversion or a verification.

use rxrx_writer::{Event, Observer};

use super::display::Display;
use super::kept::KeptImages;
use super::messages::{
    tell_checksum, tell_switch, tell_waiting, warn_names_not_flushed, warn_not_exclusive,
};
use super::resumed::{changed, resumed};
use crate::report::{Console, bytes};
use crate::verbosity::Verbosity;

/// Draws the number of sites that are converted or verified.
pub(crate) struct SiteProgress<'a> {
    display: Display<'a>,
    /// What is done with the sites, such as `converting`.
    verb: &'static str,
    kept: KeptImages,
}

impl<'a> SiteProgress<'a> {
    /// Draws the work `verb`, such as `converting`.
    pub(crate) fn new(console: Console<'a>, verb: &'static str) -> Self {
        Self {
            display: Display::new(console, "starting", "sites"),
            verb,
            kept: KeptImages::default(),
        }
    }

    /// Removes the bar, and tells of odd images.
    pub(crate) fn finish(&self) {
        self.display.finish();
        if self.is_told() {
            self.kept.tell(self.console());
        }
    }

    fn console(&self) -> Console<'a> {
        self.display.console
    }

    /// Goes on with a stage that has no count.
    fn enter(&self, stage: &'static str) {
        self.display.meter(|meter, now| {
            meter.enter(now, stage);
            meter.end_count();
        });
    }

    /// Whether the user wants more than results and errors.
    fn is_told(&self) -> bool {
        self.console().verbosity() > Verbosity::Quiet
    }

    /// Prints a line or a warning about an event, if the user wants to see it.
    fn tell(&self, event: Event<'_>) {
        let console = self.console();
        let verbose = console.verbosity() == Verbosity::Verbose;
        match event {
            Event::Continued(found) => resumed(console, found),
            Event::ChangedSincePlan(images) => changed(console, images),
            Event::CompleteAlready => {
                console.line("the dataset is complete already: nothing is to be done");
            }
            Event::NotFlushed { error } => console.warning(&format!(
                "the dataset is sealed and complete, but a power loss may undo that, because its \
                 last flush failed: {error}; the same command flushes it once more"
            )),
            Event::UnitKept { key, path } => console.warning(&format!(
                "{key} stays as it was: {path} had good pixels before, and has other pixels or none now"
            )),
            Event::PlaneRefused { path, error } => {
                console.warning(&format!("{path}: {error}; its pixels will be 0"));
            }
            Event::UnitStored { key, bytes: size } if verbose => {
                console.line(format_args!("stored {key} ({})", bytes(size)));
            }
            Event::Stopping { grace } => console.line(format_args!(
                "stopping: shards that are not stored within {} s (--grace) are dropped; the same \
                 command converts them; a second signal stops at once",
                grace.as_secs()
            )),
            Event::Sealing if verbose => console.line("sealing"),
            Event::Switching | Event::LeftBehind { .. } | Event::CardKept { .. } => {
                tell_switch(console, event)
            }
            _ => {}
        }
    }
}

impl Observer for SiteProgress<'_> {
    fn notice(&self, event: Event<'_>) {
        let console = self.console();
        console.event(&event);
        match event {
            Event::Started { sites, .. } => self
                .display
                .meter(|meter, now| meter.begin(now, self.verb, sites)),
            Event::ChunkEncoded { sites, .. } | Event::ChunkVerified { sites, .. } => {
                self.display.meter(|meter, now| meter.advance(now, sites))
            }
            Event::PlaneKept { path, oddity } => self.kept.add(path, oddity),
            Event::PlaneRefused { .. } => self.display.meter(|meter, _| meter.add_bad()),
            Event::Stopping { .. } => self.display.meter(|meter, now| meter.stop(now)),
            Event::Sealing => self.enter("sealing"),
            Event::Switching => self.enter("replacing the former dataset"),
            _ => {}
        }
        match event {
            Event::NotExclusive => self.display.suspend(|| warn_not_exclusive(console)),
            Event::OtherChecksum { checksum } if self.is_told() => {
                self.display.suspend(|| tell_checksum(console, checksum));
            }
            Event::NamesNotFlushed => self.display.suspend(|| warn_names_not_flushed(console)),
            // The user must know it, however quiet.
            Event::NotFlushed { .. } => self.display.suspend(|| self.tell(event)),
            Event::WaitingForLease { holder } if self.is_told() => {
                self.display.suspend(|| tell_waiting(console, holder));
            }
            // These come all the time, and say nothing.
            Event::ChunkEncoded { .. } | Event::ChunkVerified { .. } | Event::PlaneKept { .. } => {}
            _ if self.is_told() => self.display.suspend(|| self.tell(event)),
            _ => {}
        }
    }
}
