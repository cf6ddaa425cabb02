//! Parts of reports.

use std::fmt::Display;
use std::io::{self, Write};
use std::time::Duration;

use indicatif::{BinaryBytes, HumanCount};

use super::streams::OneLine;

/// Number of examples of a problem that a report shows.
pub(super) const EXAMPLES: usize = 3;

/// Formats a size, such as `47.10 MiB`.
pub(crate) fn bytes(size: u64) -> String {
    BinaryBytes(size).to_string()
}

/// Formats a number with separators, such as `753,060`.
pub(super) fn count(number: usize) -> HumanCount {
    HumanCount(number as u64)
}

/// Formats a number as [`count`] does.
pub(crate) fn number(number: usize) -> String {
    count(number).to_string()
}

/// Formats a time, such as `45 s`, `3 min 50 s`, `1 h 40 min` or `2 days 3 h`.
pub(crate) fn duration(time: Duration) -> String {
    const MINUTE: u64 = 60;
    const HOUR: u64 = 60 * MINUTE;
    const DAY: u64 = 24 * HOUR;
    let two = |large: u64, large_unit: &str, small: u64, small_unit: &str| match small {
        0 => format!("{large} {large_unit}"),
        small => format!("{large} {large_unit} {small} {small_unit}"),
    };
    match time.as_secs() {
        seconds @ 0..MINUTE => format!("{seconds} s"),
        seconds @ MINUTE..HOUR => two(seconds / MINUTE, "min", seconds % MINUTE, "s"),
        seconds @ HOUR..DAY => two(seconds / HOUR, "h", seconds % HOUR / MINUTE, "min"),
        seconds => {
            let days = if seconds < 2 * DAY { "day" } else { "days" };
            two(seconds / DAY, days, seconds % DAY / HOUR, "h")
        }
    }
}

/// Formats a number of things, such as `1 shard` or `125,510 sites`.
pub(crate) fn quantity(number: usize, thing: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {thing}{plural}", count(number))
}

/// Formats the lengths of axes, such as `8 x 6 x 512 x 512`.
pub(super) fn axes<T: ToString>(lengths: &[T]) -> String {
    let lengths: Vec<String> = lengths.iter().map(ToString::to_string).collect();
    lengths.join(" x ")
}

/// Writes a line that names a property and its value.
pub(super) fn property(out: &mut dyn Write, name: &str, value: impl Display) -> io::Result<()> {
    writeln!(out, "{name:<12}{}", OneLine(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_two_units_at_most() {
        for (seconds, text) in [
            (0, "0 s"),
            (59, "59 s"),
            (60, "1 min"),
            (230, "3 min 50 s"),
            (6_000, "1 h 40 min"),
            (7_200, "2 h"),
            (90_000, "1 day 1 h"),
            (172_800, "2 days"),
        ] {
            assert_eq!(duration(Duration::from_secs(seconds)), text);
        }
    }

    #[test]
    fn one_thing_is_singular() {
        let of = [0, 1, 2, 125_510].map(|number| quantity(number, "site"));
        assert_eq!(of, ["0 sites", "1 site", "2 sites", "125,510 sites"]);
    }
}
