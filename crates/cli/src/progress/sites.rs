//! Progress of a conversion or a verification.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{HumanDuration, ProgressBar};
use rxrx_writer::{Event, Observer};

use super::bar::{
    bar, tell_checksum, tell_switch, tell_waiting, warn_names_not_flushed, warn_not_exclusive,
};
use super::kept::KeptImages;
use super::resumed::{changed, resumed};
use crate::report::{Console, bytes};
use crate::verbosity::Verbosity;

/// Time between two lines if standard error is not a terminal.
const LINE_INTERVAL: Duration = Duration::from_secs(10);

/// Draws the number of sites that are converted or verified.
pub(crate) struct SiteProgress<'a> {
    console: Console<'a>,
    /// Whether lines are printed instead of the bar.
    lines: bool,
    bar: ProgressBar,
    counts: Mutex<Counts>,
    kept: KeptImages,
}

/// Sums since the start.
struct Counts {
    start: Instant,
    last_line: Instant,
    /// Sites in all.
    sites: usize,
    /// Sites that are done.
    done: usize,
    /// Bytes that were read for them.
    bytes: u64,
}

impl<'a> SiteProgress<'a> {
    /// Creates a bar.
    pub(crate) fn new(console: Console<'a>) -> Self {
        let now = Instant::now();
        Self {
            console,
            lines: console.has_lines(),
            bar: bar(console, "{bar:30} {pos}/{len} sites  {msg}  {eta} left"),
            counts: Mutex::new(Counts {
                start: now,
                last_line: now,
                sites: 0,
                done: 0,
                bytes: 0,
            }),
            kept: KeptImages::default(),
        }
    }

    /// Removes the bar, and tells of odd images.
    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
        if self.is_told() {
            self.kept.tell(self.console);
        }
    }

    /// Sets the number of sites and starts the clock.
    fn start(&self, sites: usize) {
        let mut counts = self.counts();
        counts.sites = sites;
        counts.start = Instant::now();
        self.bar.set_length(sites as u64);
        self.bar.reset();
    }

    /// Adds sites that are done and the bytes that were read for them.
    fn advance(&self, sites: usize, read: u64) {
        let mut counts = self.counts();
        counts.done += sites;
        counts.bytes += read;
        let seconds = counts.start.elapsed().as_secs_f64().max(1e-3);
        let rate = counts.done as f64 / seconds;
        let read = bytes((counts.bytes as f64 / seconds) as u64);
        let speed = format!("{rate:.0} sites/s  {read}/s read");
        if self.lines && counts.last_line.elapsed() >= LINE_INTERVAL {
            counts.last_line = Instant::now();
            let Counts { sites, done, .. } = *counts;
            let left = sites.saturating_sub(done) as f64 / rate.max(1e-9);
            // With a rate of nearly 0 the time exceeds a Duration.
            let left = Duration::try_from_secs_f64(left).unwrap_or(Duration::MAX);
            self.console.line(format_args!(
                "{done}/{sites} sites  {speed}  {} left",
                HumanDuration(left)
            ));
        }
        drop(counts);
        self.bar.inc(sites as u64);
        self.bar.set_message(speed);
    }

    /// Whether the user wants more than results and errors.
    fn is_told(&self) -> bool {
        self.console.verbosity() > Verbosity::Quiet
    }

    /// Locks the counts. A thread that panicked leaves them usable.
    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Prints a line or a warning about an event, if the user wants to see it.
    fn tell(&self, event: Event<'_>) {
        let console = self.console;
        let verbose = console.verbosity() == Verbosity::Verbose;
        match event {
            Event::Continued(found) => resumed(console, found),
            Event::ChangedSincePlan(images) => changed(console, images),
            Event::CompleteAlready => {
                console.line("the dataset is complete already; --overwrite replaces it");
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
        let console = self.console;
        console.event(&event);
        match event {
            Event::Started { sites, .. } => self.start(sites),
            Event::ChunkEncoded {
                sites,
                source_bytes,
                ..
            } => self.advance(sites, source_bytes),
            Event::ChunkVerified {
                sites,
                stored_bytes,
            } => self.advance(sites, stored_bytes),
            Event::PlaneKept { path, oddity } => self.kept.add(path, oddity),
            Event::NotExclusive => self.bar.suspend(|| warn_not_exclusive(console)),
            Event::OtherChecksum { checksum } if self.is_told() => {
                self.bar.suspend(|| tell_checksum(console, checksum));
            }
            Event::NamesNotFlushed => self.bar.suspend(|| warn_names_not_flushed(console)),
            // The user must know it, however quiet.
            Event::NotFlushed { .. } => self.bar.suspend(|| self.tell(event)),
            Event::WaitingForLease { holder } if self.is_told() => {
                self.bar.suspend(|| tell_waiting(console, holder));
            }
            _ if self.is_told() => self.bar.suspend(|| self.tell(event)),
            _ => {}
        }
    }
}
