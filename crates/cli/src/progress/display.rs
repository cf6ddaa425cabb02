//! Draws how far some work is: a bar that follows the width of the terminal, lines from time
//! to time, or lines of JSON.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use rxrx_writer::waiting;

use super::meter::{Meter, Reading, STALL, shortened};
use crate::report::{self, Console, Shown, duration};
use crate::signals::is_stop_requested;

/// A bar is drawn so often.
const DRAW: Duration = Duration::from_millis(200);
/// The time between two lines.
const LINE: Duration = Duration::from_secs(10);
/// The time between two lines of JSON.
const JSON_LINE: Duration = Duration::from_secs(1);
/// Work that ends before draws nothing.
const QUIET: Duration = Duration::from_millis(400);
/// The width of a terminal that does not tell it.
const WIDTH: usize = 80;

/// Progress that is drawn until [`Self::finish`].
pub(super) struct Display<'a> {
    pub(super) console: Console<'a>,
    shared: Arc<Shared>,
    ticker: Mutex<Option<JoinHandle<()>>>,
}

/// What the thread that draws has in common with those that work.
struct Shared {
    shown: Shown,
    begun: Instant,
    meter: Mutex<Meter>,
    /// Hidden unless a bar is drawn.
    bar: ProgressBar,
    ended: Mutex<bool>,
    ends: Condvar,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<'a> Display<'a> {
    /// Begins to draw work that begins with `verb`, counted in `things`.
    pub(super) fn new(console: Console<'a>, verb: &'static str, things: &'static str) -> Self {
        let shown = console.shown();
        let target = match shown {
            Shown::Bar => ProgressDrawTarget::stderr(),
            _ => ProgressDrawTarget::hidden(),
        };
        let style = ProgressStyle::with_template("{msg}");
        let bar = ProgressBar::with_draw_target(None, target);
        let shared = Arc::new(Shared {
            shown,
            begun: Instant::now(),
            meter: Mutex::new(Meter::new(verb, things)),
            bar: bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar())),
            ended: Mutex::new(false),
            ends: Condvar::new(),
        });
        let ticker = match shown {
            Shown::None => None,
            _ => {
                let shared = Arc::clone(&shared);
                // Without a thread nothing is drawn; the work goes on.
                let thread = thread::Builder::new().name("progress".to_owned());
                thread.spawn(move || shared.draw_until_ended()).ok()
            }
        };
        if shown == Shown::Bar {
            report::set_bar(Some(shared.bar.clone()));
        }
        Self {
            console,
            shared,
            ticker: Mutex::new(ticker),
        }
    }

    /// Changes the meter, which is told the time since the start.
    pub(super) fn meter(&self, change: impl FnOnce(&mut Meter, Duration)) {
        let now = self.shared.begun.elapsed();
        change(&mut lock(&self.shared.meter), now);
    }

    /// Says something while the bar is away.
    pub(super) fn suspend(&self, say: impl FnOnce()) {
        self.shared.bar.suspend(say);
    }

    /// Removes the bar.
    pub(super) fn finish(&self) {
        *lock(&self.shared.ended) = true;
        self.shared.ends.notify_all();
        if let Some(ticker) = lock(&self.ticker).take() {
            // It has panicked at most, and the work is done all the same.
            let _ = ticker.join();
        }
        self.shared.bar.finish_and_clear();
        report::set_bar(None);
    }
}

impl Drop for Display<'_> {
    fn drop(&mut self) {
        self.finish();
    }
}

impl Shared {
    fn draw_until_ended(&self) {
        let mut told = Told::default();
        let mut ended = lock(&self.ended);
        while !*ended {
            let waited = self.ends.wait_timeout(ended, DRAW);
            ended = waited.unwrap_or_else(PoisonError::into_inner).0;
            if !*ended {
                self.draw(&mut told);
            }
        }
    }

    fn draw(&self, told: &mut Told) {
        let now = self.begun.elapsed();
        let reading = lock(&self.meter).read(now);
        if reading.all == 0 && !told.is_stopping && is_stop_requested() {
            told.is_stopping = true;
            self.bar.suspend(|| tell_stopping(reading.verb));
        }
        match self.shown {
            Shown::Bar if now >= QUIET => self.draw_bar(&reading),
            Shown::Json if told.is_due(now, JSON_LINE) => report::json_line(&reading.as_json()),
            Shown::Lines if told.is_due(now, LINE) || told.has_stalled(&reading) => {
                report::stamped_line(reading.with_cause(reading.whole_line()));
            }
            _ => {}
        }
        if self.shown == Shown::Bar && told.is_due(now, LINE) {
            report::log_line(&reading.with_cause(reading.whole_line()));
        }
    }

    fn draw_bar(&self, reading: &Reading) {
        let width = console::Term::stderr().size_checked();
        let width = width.map_or(WIDTH, |(_, columns)| columns.into());
        // The last column stays free: some terminals wrap a full line.
        let width = width.saturating_sub(1);
        let text = match reading.stalled {
            None => reading.line(width),
            Some(_) => shortened(reading.with_cause(reading.short_line()), width),
        };
        self.bar.set_message(text);
        self.bar.tick();
    }
}

/// What was told, and when.
#[derive(Default)]
struct Told {
    last: Duration,
    is_stalled: bool,
    is_stopping: bool,
}

impl Told {
    /// Whether a line is due.
    fn is_due(&mut self, now: Duration, every: Duration) -> bool {
        let is_due = now.saturating_sub(self.last) >= every;
        if is_due {
            self.last = now;
        }
        is_due
    }

    /// Whether the work has stalled since the last time.
    fn has_stalled(&mut self, reading: &Reading) -> bool {
        let before = std::mem::replace(&mut self.is_stalled, reading.stalled.is_some());
        self.is_stalled && !before
    }
}

/// Answers a signal in a stage that has no shards in progress, which the library tells of.
fn tell_stopping(stage: &str) {
    report::line(format_args!(
        "stopping when this step ends ({stage}); a second signal stops at once, and the same \
         command continues"
    ));
}

impl Reading {
    /// Percent and count, or the stage.
    fn short_line(&self) -> String {
        self.line(if self.all == 0 { WIDTH } else { 24 })
    }

    /// Adds to a line why the work does not move, if it does not.
    fn with_cause(&self, line: String) -> String {
        match self.stalled.and_then(|still| self.cause(still)) {
            None => line,
            Some(cause) => format!("{line}  {cause}"),
        }
    }

    /// The line of `--progress json`; `docs/json.md` describes it.
    fn as_json(&self) -> serde_json::Value {
        let waiting = self.stalled.and_then(|_| waiting());
        let fields = report::fields(
            self,
            [
                ("event", "progress".into()),
                ("things", self.things.into()),
                ("waiting_for", waiting.map(|waiting| waiting.host).into()),
            ],
        );
        fields.unwrap_or_default()
    }

    /// Says for how long nothing has moved, and what is waited for. A stage without a count
    /// does not move.
    fn cause(&self, still: Duration) -> Option<String> {
        let waiting = waiting().filter(|waiting| waiting.since >= STALL / 2);
        let Some(waiting) = waiting else {
            let is_counted = self.all > 0;
            return is_counted.then(|| format!("nothing has moved for {}", duration(still)));
        };
        let tried = match (waiting.failed, waiting.last_error) {
            (0, _) | (_, None) => String::new(),
            (1, Some(error)) => format!(" (failed once: {error})"),
            (failed, Some(error)) => format!(" (failed {failed} times: {error})"),
        };
        let (host, since) = (waiting.host, duration(waiting.since));
        Some(format!("waiting for {host} for {since}{tried}"))
    }
}
