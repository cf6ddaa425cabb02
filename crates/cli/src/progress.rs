//! Progress on standard error: bars on a terminal, a line now and then
//! otherwise, nothing when quiet.

use std::io::{IsTerminal, stderr};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{HumanDuration, ProgressBar, ProgressDrawTarget, ProgressStyle};
use rxrx_writer::{Event, Observer, Resumed};

use crate::arguments::Verbosity;
use crate::report::{bytes, warning};

/// Between two lines where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// A bar; hidden unless standard error is a terminal and the user wants to hear.
fn bar(verbosity: Verbosity, template: &str) -> ProgressBar {
    let target = if verbosity == Verbosity::Quiet {
        ProgressDrawTarget::hidden()
    } else {
        // Hides itself where there is no terminal.
        ProgressDrawTarget::stderr()
    };
    let style =
        ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::with_draw_target(Some(0), target).with_style(style.progress_chars("=> "))
}

/// Draws a conversion or a verification.
pub(crate) struct Progress {
    verbosity: Verbosity,
    lines: bool,
    bar: ProgressBar,
    state: Mutex<State>,
}

struct State {
    start: Instant,
    last_line: Instant,
    sites: usize,
    done: usize,
    source_bytes: u64,
}

impl Progress {
    pub(crate) fn new(verbosity: Verbosity) -> Self {
        let now = Instant::now();
        Self {
            verbosity,
            lines: verbosity > Verbosity::Quiet && !stderr().is_terminal(),
            bar: bar(verbosity, "{bar:30} {pos}/{len} sites  {msg}  {eta} left"),
            state: Mutex::new(State {
                start: now,
                last_line: now,
                sites: 0,
                done: 0,
                source_bytes: 0,
            }),
        }
    }

    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }

    fn advance(&self, sites: usize, source_bytes: u64) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.done += sites;
        state.source_bytes += source_bytes;
        let seconds = state.start.elapsed().as_secs_f64().max(1e-3);
        let rate = state.done as f64 / seconds;
        let speed = format!(
            "{rate:.0} sites/s  {}/s read",
            bytes((state.source_bytes as f64 / seconds) as u64)
        );
        if self.lines && state.last_line.elapsed() >= LINE_EVERY {
            state.last_line = Instant::now();
            let left = state.sites.saturating_sub(state.done) as f64 / rate.max(1e-9);
            // A rate of almost nothing makes a time that no Duration holds.
            let left = Duration::try_from_secs_f64(left).unwrap_or(Duration::MAX);
            eprintln!(
                "{}/{} sites  {speed}  {} left",
                state.done,
                state.sites,
                HumanDuration(left)
            );
        }
        drop(state);
        self.bar.inc(sites as u64);
        self.bar.set_message(speed);
    }
}

/// Draws objects that are checked or copied.
pub(crate) struct ObjectProgress {
    verbosity: Verbosity,
    bar: ProgressBar,
}

impl ObjectProgress {
    pub(crate) fn new(verbosity: Verbosity) -> Self {
        Self {
            verbosity,
            bar: bar(verbosity, "{msg} {bar:30} {pos}/{len} objects  {eta} left"),
        }
    }

    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }

    fn begin(&self, what: &'static str, objects: usize) {
        self.bar.reset();
        self.bar.set_length(objects as u64);
        self.bar.set_message(what);
        if self.verbosity > Verbosity::Quiet && !stderr().is_terminal() {
            eprintln!("{what} {objects} objects");
        }
    }
}

impl Observer for ObjectProgress {
    fn notice(&self, event: Event<'_>) {
        match event {
            Event::Checking { objects } => self.begin("checking", objects),
            Event::Publishing { objects } => self.begin("uploading", objects),
            Event::NotExclusive => self.bar.suspend(not_exclusive),
            Event::ObjectDone { key, bytes: size } => {
                self.bar.inc(1);
                if self.verbosity == Verbosity::Verbose {
                    self.bar.suspend(|| eprintln!("{key}  {}", bytes(size)));
                }
            }
            _ => {}
        }
    }
}

fn not_exclusive() {
    warning(
        "the store cannot keep other writers out: make sure that no other process writes this \
         output",
    );
}

impl Observer for Progress {
    fn notice(&self, event: Event<'_>) {
        match event {
            Event::Started { sites, .. } => {
                let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
                state.sites = sites;
                state.start = Instant::now();
                self.bar.set_length(sites as u64);
                self.bar.reset();
            }
            Event::ChunkEncoded {
                sites,
                source_bytes,
                ..
            } => self.advance(sites, source_bytes),
            Event::Continued(resumed) if self.verbosity > Verbosity::Quiet => {
                self.bar.suspend(|| continued(resumed));
            }
            Event::NotExclusive => self.bar.suspend(not_exclusive),
            Event::CompleteAlready if self.verbosity > Verbosity::Quiet => {
                self.bar.suspend(|| {
                    eprintln!("the dataset is complete already; --overwrite replaces it");
                });
            }
            Event::UnitKept { key, path } if self.verbosity > Verbosity::Quiet => {
                self.bar.suspend(|| {
                    warning(&format!(
                        "{key} stays as it was: {path} gave good pixels before and gives others, or none, now"
                    ));
                });
            }
            Event::ChunkVerified {
                sites,
                stored_bytes,
            } => self.advance(sites, stored_bytes),
            Event::PlaneRefused { path, error } if self.verbosity > Verbosity::Quiet => {
                self.bar
                    .suspend(|| warning(&format!("{path}: {error}; its pixels will be 0")));
            }
            Event::UnitStored { key, bytes: size } if self.verbosity == Verbosity::Verbose => {
                self.bar
                    .suspend(|| eprintln!("stored {key} ({})", bytes(size)));
            }
            Event::Sealing if self.verbosity == Verbosity::Verbose => {
                self.bar.suspend(|| eprintln!("sealing"));
            }
            _ => {}
        }
    }
}

/// Says what a continued run found.
fn continued(resumed: &Resumed) {
    eprintln!(
        "continuing: {} of {} shards are done",
        resumed.done, resumed.units
    );
    for (what, examples, count) in [
        (
            "records are damaged; their shards are converted again",
            &resumed.damaged_records,
            resumed.damaged_records.len(),
        ),
        (
            "shards are missing or damaged and are converted again",
            &resumed.damaged_shards,
            resumed.damaged_shards.len(),
        ),
        (
            "images changed since they were read, or could not be read; their shards are converted again",
            &resumed.changed_images.examples,
            resumed.changed_images.count,
        ),
        (
            "images were added; their shards are converted again",
            &resumed.added_images.examples,
            resumed.added_images.count,
        ),
    ] {
        if count > 0 {
            let examples: Vec<&str> = examples.iter().take(3).map(String::as_str).collect();
            warning(&format!("{count} {what}: {}", examples.join(", ")));
        }
    }
}

/// Draws the making of files.
pub(crate) struct FileProgress(ProgressBar);

impl FileProgress {
    pub(crate) fn new(title: &str, verbosity: Verbosity) -> Self {
        Self(bar(
            verbosity,
            &format!("{{bar:30}} {title} {{pos}}/{{len}}  {{eta}} left"),
        ))
    }

    pub(crate) fn set(&self, done: usize, of: usize) {
        self.0.set_length(of as u64);
        self.0.set_position(done as u64);
    }

    pub(crate) fn finish(&self) {
        self.0.finish_and_clear();
    }
}
