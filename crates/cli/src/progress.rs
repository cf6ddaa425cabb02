//! Progress on standard error: bars on a terminal, a line now and then
//! otherwise, nothing when quiet.

use std::io::{IsTerminal, stderr};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{HumanDuration, ProgressBar, ProgressDrawTarget, ProgressStyle};
use rxrx_writer::{Event, Observer};

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
