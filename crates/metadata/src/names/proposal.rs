//! The pattern that the names of an input fit.

use super::built_in;
use super::pattern::Named;
use crate::discover::listing::Listing;

/// Files that are looked at.
const LOOKED_AT: usize = 10_000;
/// Examples that a message shows.
const EXAMPLES: usize = 3;

/// A pattern that is built in, and files that fit it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// The name of the pattern.
    pub pattern: &'static str,
    /// Three files, each with what its name says.
    pub examples: Vec<String>,
}

impl Listing {
    /// The built-in pattern that the names fit, if no image is named as RxRx1's are.
    pub fn proposal(&self) -> Option<Proposal> {
        if !self.images.is_empty() || self.is_by_pattern {
            return None;
        }
        propose(self)
    }
}

/// Returns the built-in pattern that fits most of the image files, if one fits any.
fn propose(listing: &Listing) -> Option<Proposal> {
    let paths = || listing.image_paths().take(LOOKED_AT);
    let mut best: Option<(usize, Proposal)> = None;
    for name in built_in::names() {
        let patterns = built_in::patterns(name).ok()?;
        let (pattern, count) = built_in::choose(patterns, paths())?;
        if count > best.as_ref().map_or(0, |(most, _)| *most) {
            let named = paths().filter_map(|path| Some((path, pattern.read(path)?)));
            let examples = named
                .take(EXAMPLES)
                .map(|(path, named)| example(path, &named));
            let proposal = Proposal {
                pattern: name,
                examples: examples.collect(),
            };
            best = Some((count, proposal));
        }
    }
    best.map(|(_, proposal)| proposal)
}

/// The fields that a path has.
fn example(path: &str, named: &Named<'_>) -> String {
    let mut fields = Vec::new();
    let texts = [("experiment", named.experiment), ("plate", named.plate)];
    fields.extend(
        texts
            .iter()
            .filter_map(|(field, text)| Some(format!("{field} {}", (*text)?))),
    );
    fields.push(format!("well {}", named.well));
    fields.push(format!("site {}", named.site));
    fields.extend(named.channel.map(|channel| format!("channel {channel}")));
    let numbers = [("z", named.z), ("t", named.t)];
    fields.extend(
        numbers
            .iter()
            .filter_map(|(field, number)| Some(format!("{field} {}", (*number)?))),
    );
    format!("{path} is {}", fields.join(", "))
}
