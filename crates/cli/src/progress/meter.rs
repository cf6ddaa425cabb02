//! How far some work is, and how that is said in a line of any width.
//!
//! Times are durations since the work began, which the caller measures.

use std::collections::VecDeque;
use std::time::Duration;

use serde::Serialize;

use crate::report::{duration, number};

/// The rate is that of so much time before now, so that it follows what happens.
const WINDOW: Duration = Duration::from_secs(30);
/// Steps that come closer together than this count as one in the window.
const SAMPLE: Duration = Duration::from_millis(500);
/// Work that has not moved for so long has stalled.
pub(super) const STALL: Duration = Duration::from_secs(5);

/// How far some work is.
#[derive(Debug)]
pub(super) struct Meter {
    /// What is done, such as `converting`.
    verb: &'static str,
    /// What is counted, such as `sites`.
    things: &'static str,
    all: usize,
    done: usize,
    bad: usize,
    /// Times and counts within the window.
    samples: VecDeque<(Duration, usize)>,
    /// When the work moved last.
    moved: Duration,
}

/// How far some work was at one time.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Reading {
    #[serde(rename = "stage")]
    pub(super) verb: &'static str,
    #[serde(skip)]
    pub(super) things: &'static str,
    pub(super) done: usize,
    /// 0 where nobody knows it yet.
    pub(super) all: usize,
    /// Images that could not be used.
    pub(super) bad: usize,
    /// Things a second over the last time.
    #[serde(serialize_with = "as_optional_number")]
    pub(super) rate: Option<f64>,
    #[serde(rename = "seconds", serialize_with = "as_seconds")]
    pub(super) elapsed: Duration,
    #[serde(rename = "seconds_left", serialize_with = "as_optional_seconds")]
    pub(super) left: Option<Duration>,
    /// For how long nothing has moved, if that is long.
    #[serde(rename = "seconds_stalled", serialize_with = "as_optional_seconds")]
    pub(super) stalled: Option<Duration>,
}

fn as_optional_number<S: serde::Serializer>(
    number: &Option<f64>,
    to: S,
) -> Result<S::Ok, S::Error> {
    match number {
        Some(number) => to.serialize_f64((number * 10.0).round() / 10.0),
        None => to.serialize_none(),
    }
}

fn as_seconds<S: serde::Serializer>(time: &Duration, to: S) -> Result<S::Ok, S::Error> {
    as_optional_number(&Some(time.as_secs_f64()), to)
}

fn as_optional_seconds<S: serde::Serializer>(
    time: &Option<Duration>,
    to: S,
) -> Result<S::Ok, S::Error> {
    as_optional_number(&time.map(|time| time.as_secs_f64()), to)
}

impl Meter {
    /// Work that begins with `verb`, counted in `things`.
    pub(super) fn new(verb: &'static str, things: &'static str) -> Self {
        Self {
            verb,
            things,
            all: 0,
            done: 0,
            bad: 0,
            samples: VecDeque::new(),
            moved: Duration::ZERO,
        }
    }

    /// Begins to count: `all` things.
    pub(super) fn begin(&mut self, now: Duration, verb: &'static str, all: usize) {
        self.enter(now, verb);
        self.all = all;
        self.done = 0;
        self.samples.clear();
        self.samples.push_back((now, 0));
    }

    /// Goes on with another stage, without another count.
    pub(super) fn enter(&mut self, now: Duration, verb: &'static str) {
        self.verb = verb;
        self.moved = now;
    }

    /// Goes on with what is in progress and nothing else: nobody knows how long that takes.
    pub(super) fn stop(&mut self, now: Duration) {
        self.enter(now, "stopping");
        self.samples.clear();
    }

    /// Ends the count: the next stage has none.
    pub(super) fn end_count(&mut self) {
        self.all = 0;
    }

    /// Counts things that are done. Chunks that end no thing move the work, too.
    pub(super) fn advance(&mut self, now: Duration, things: usize) {
        self.done += things;
        self.moved = now;
        if self.samples.is_empty() {
            return;
        }
        let is_new = |last: &(Duration, usize)| now.saturating_sub(last.0) >= SAMPLE;
        if self.samples.back().is_none_or(is_new) {
            self.samples.push_back((now, self.done));
        }
        // One sample before the window stays: the rate is that between it and now.
        while self
            .samples
            .get(1)
            .is_some_and(|(at, _)| *at + WINDOW <= now)
        {
            self.samples.pop_front();
        }
    }

    /// Counts an image that could not be used.
    pub(super) fn add_bad(&mut self) {
        self.bad += 1;
    }

    /// Returns how far the work is at `now`.
    pub(super) fn read(&self, now: Duration) -> Reading {
        let rate = self.rate(now).filter(|rate| *rate > 0.0);
        let missing = self.all.saturating_sub(self.done) as f64;
        // With a rate of nearly 0 the time exceeds a Duration.
        let left = rate.and_then(|rate| Duration::try_from_secs_f64(missing / rate).ok());
        let still = now.saturating_sub(self.moved);
        Reading {
            verb: self.verb,
            things: self.things,
            done: self.done,
            all: self.all,
            bad: self.bad,
            rate,
            elapsed: now,
            left: left.filter(|_| self.all > 0),
            stalled: Some(still).filter(|still| *still >= STALL),
        }
    }

    fn rate(&self, now: Duration) -> Option<f64> {
        let (at, done) = self.samples.front().filter(|_| self.samples.len() > 1)?;
        let seconds = now.saturating_sub(*at).as_secs_f64();
        (self.all > 0 && seconds >= 0.5).then(|| (self.done - done) as f64 / seconds)
    }
}

/// A part of a line. The first ones are left out first where a line is narrow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Elapsed,
    Things,
    Verb,
    Bar,
    Rate,
    Bad,
    Left,
    Count,
    /// Never left out.
    Percent,
}

const PARTS: [Part; 8] = [
    Part::Elapsed,
    Part::Things,
    Part::Verb,
    Part::Bar,
    Part::Rate,
    Part::Bad,
    Part::Left,
    Part::Count,
];
/// Widths of the bar, with its brackets.
const LEAST_BAR: usize = 10;
const MOST_BAR: usize = 32;

impl Reading {
    /// Returns one line of at most `width` characters.
    pub(super) fn line(&self, width: usize) -> String {
        if self.all == 0 {
            let text = format!("{}  {}", self.verb, duration(self.elapsed));
            return shortened(text, width);
        }
        let fitting = PARTS.iter().find_map(|least| {
            let used = self.with(*least, LEAST_BAR).chars().count();
            let free = width.checked_sub(used)?;
            Some(self.with(*least, (LEAST_BAR + free).min(MOST_BAR)))
        });
        fitting.unwrap_or_else(|| shortened(self.with(Part::Percent, 0), width))
    }

    /// Returns the line of a log: everything in it has a name.
    pub(super) fn whole_line(&self) -> String {
        self.with(Part::Elapsed, 0)
    }

    /// Returns a line of all parts from `least` on.
    fn with(&self, least: Part, bar: usize) -> String {
        let has = |part: Part| part >= least;
        let share = self.done as f64 / self.all.max(1) as f64;
        let mut parts = Vec::new();
        if has(Part::Verb) {
            parts.push(self.verb.to_owned());
        }
        if self.all == 0 {
            parts.push(duration(self.elapsed));
            return parts.join("  ");
        }
        parts.push(format!("{:>3} %", (share * 100.0).floor()));
        if has(Part::Bar) && bar > 0 {
            parts.push(bar_text(share, bar));
        }
        if has(Part::Count) {
            let things = if has(Part::Things) { self.things } else { "" };
            let count = format!("{}/{} {things}", number(self.done), number(self.all));
            parts.push(count.trim_end().to_owned());
        }
        if let Some(rate) = self.rate.filter(|_| has(Part::Rate)) {
            parts.push(match rate < 9.95 {
                true => format!("{rate:.1}/s"),
                false => format!("{}/s", number(rate.round() as usize)),
            });
        }
        let elapsed = has(Part::Elapsed).then(|| duration(self.elapsed));
        let left = self.left.filter(|_| has(Part::Left));
        let left = left.map(|left| format!("{} left", duration(left)));
        let times: Vec<String> = elapsed.into_iter().chain(left).collect();
        if !times.is_empty() {
            parts.push(times.join(", "));
        }
        if self.bad > 0 && has(Part::Bad) {
            parts.push(format!("{} bad", number(self.bad)));
        }
        parts.join("  ")
    }
}

/// A bar of `width` characters with its brackets.
fn bar_text(share: f64, width: usize) -> String {
    let inside = width.saturating_sub(2);
    let full = ((inside as f64 * share) as usize).min(inside);
    let head = if full < inside { ">" } else { "" };
    let done = "=".repeat(full);
    format!("[{:<inside$}]", done + head)
}

/// Cuts a text to `width` characters.
pub(super) fn shortened(text: String, width: usize) -> String {
    if text.chars().count() <= width {
        return text;
    }
    let cut: String = text.chars().take(width.saturating_sub(1)).collect();
    cut + "…"
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn rxrx1() -> Reading {
        Reading {
            verb: "converting",
            things: "sites",
            done: 76_561,
            all: 125_510,
            bad: 3,
            rate: Some(211.0),
            elapsed: seconds(302),
            left: Some(seconds(230)),
            stalled: None,
        }
    }

    #[test]
    fn a_line_fits_any_width() {
        for (width, line) in [
            (
                120,
                "converting   60 %  [==================>           ]  76,561/125,510 sites  211/s  5 min 2 s, 3 min 50 s left  3 bad",
            ),
            (
                80,
                "converting   60 %  [=======>    ]  76,561/125,510  211/s  3 min 50 s left  3 bad",
            ),
            (60, " 60 %  76,561/125,510  211/s  3 min 50 s left  3 bad"),
            (40, " 60 %  76,561/125,510  3 min 50 s left"),
            (21, " 60 %  76,561/125,510"),
            (20, " 60 %"),
            (6, " 60 %"),
            (3, " 6…"),
        ] {
            assert_eq!(rxrx1().line(width).trim_end(), line, "{width}");
        }
        for width in 1..200 {
            let count = rxrx1().line(width).chars().count();
            assert!(count <= width, "{width}: {count}");
        }
    }

    #[test]
    fn the_rate_follows_the_last_half_minute() {
        let mut meter = Meter::new("starting", "sites");
        assert_eq!(meter.read(seconds(3)).line(40), "starting  3 s");
        meter.begin(seconds(10), "converting", 1000);
        for second in 11..=20 {
            meter.advance(seconds(second), 10);
        }
        let reading = meter.read(seconds(20));
        assert_eq!(
            (reading.rate, reading.left),
            (Some(10.0), Some(seconds(90)))
        );
        for second in 21..=60 {
            meter.advance(seconds(second), 1);
        }
        let reading = meter.read(seconds(60));
        assert_eq!(reading.done, 140);
        assert!((reading.rate.unwrap() - 1.0).abs() < 0.1, "{reading:?}");
        assert_eq!(reading.stalled, None);
        assert_eq!(meter.read(seconds(66)).stalled, Some(seconds(6)));
    }

    #[test]
    fn chunks_that_end_no_site_move_the_work() {
        let mut meter = Meter::new("starting", "sites");
        meter.begin(seconds(0), "converting", 4);
        meter.advance(seconds(8), 0);
        assert_eq!(meter.read(seconds(9)).stalled, None);
        assert_eq!(meter.read(seconds(9)).left, None);
    }
}
