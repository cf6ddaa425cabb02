//! Parts of reports.

use std::fmt::Display;
use std::io::{self, Write};

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
    fn one_thing_is_singular() {
        let of = [0, 1, 2, 125_510].map(|number| quantity(number, "site"));
        assert_eq!(of, ["0 sites", "1 site", "2 sites", "125,510 sites"]);
    }
}
