//! Names of sites and channels, and the order of both in the array.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;
use std::sync::Arc;

use thiserror::Error;

use crate::number::positive;
use crate::plate::Plate;
use crate::well::Well;

/// Position of a site on the first axis of the array, from 0: the row of the
/// metadata table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SiteIndex(pub usize);

/// Position of a plane in the array.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct PlaneIndex {
    /// Position on the first axis.
    pub(crate) site: SiteIndex,
    /// Position on the second axis, from 0.
    pub(crate) channel: usize,
}

/// Number of a fluorescence channel, written `w1`, `w2`, …
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Channel(pub u16);

/// Error for a text that is not a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("not a channel (expected w1, w2, …)")]
pub struct NotAChannel;

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "w{}", self.0)
    }
}

impl FromStr for Channel {
    type Err = NotAChannel;

    fn from_str(text: &str) -> Result<Self, NotAChannel> {
        let number = text
            .strip_prefix('w')
            .and_then(positive)
            .ok_or(NotAChannel)?;
        u16::try_from(number).map(Self).map_err(|_| NotAChannel)
    }
}

/// Normalised name of an experiment, by which tables and folders are joined.
///
/// Zero padding of the number after the last `-` is dropped: the published
/// data say `HUVEC-01` where their documentation says `HUVEC-1`. The order is
/// the natural one (`HUVEC-2` < `HUVEC-10`), so a padded and an unpadded table
/// give the same rows in the same order.
///
/// Cloning copies a pointer; comparing a clone with its original reads no text.
#[derive(Clone, Debug)]
pub struct ExperimentName(Arc<Box<str>>); // one word, because each site holds one

impl ExperimentName {
    /// Normalises `raw`.
    pub fn new(raw: &str) -> Self {
        match split_number(raw) {
            (prefix, Some(digits)) => {
                let significant = digits.trim_start_matches('0');
                let number = if significant.is_empty() {
                    "0"
                } else {
                    significant
                };
                Self::whole(&format!("{prefix}-{number}"))
            }
            (name, None) => Self::whole(name),
        }
    }

    /// Takes `name` without normalising it.
    fn whole(name: &str) -> Self {
        Self(Arc::new(name.into()))
    }

    /// The normalised name, such as `HUVEC-1`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Splits `HUVEC-01` into `HUVEC` and `01`; other names have no number.
fn split_number(name: &str) -> (&str, Option<&str>) {
    match name.rsplit_once('-') {
        Some((prefix, digits))
            if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) =>
        {
            (prefix, Some(digits))
        }
        _ => (name, None),
    }
}

impl fmt::Display for ExperimentName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl PartialEq for ExperimentName {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.0 == other.0
    }
}

impl Eq for ExperimentName {}

impl Hash for ExperimentName {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl Ord for ExperimentName {
    fn cmp(&self, other: &Self) -> Ordering {
        if self == other {
            return Ordering::Equal;
        }
        rank(&self.0).cmp(&rank(&other.0))
    }
}

/// Returns the sort key of a normalised name. Without padding, the longer of two
/// numbers is the larger one, whatever their number of digits.
fn rank(name: &str) -> (&str, Option<(usize, &str)>) {
    let (prefix, digits) = split_number(name);
    (prefix, digits.map(|digits| (digits.len(), digits)))
}

impl PartialOrd for ExperimentName {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Key of a site, by which the table and the images are joined.
///
/// The order (experiment, plate, well, site) is that of the rows of the array.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SiteKey {
    /// Experiment, normalised.
    pub experiment: ExperimentName,
    /// Plate of the experiment.
    pub plate: Plate,
    /// Well on the plate.
    pub well: Well,
    /// Field of view in the well, from 1.
    pub site: u32,
}

impl fmt::Display for SiteKey {
    /// Writes the key as image paths spell it: `HUVEC-1/Plate1/B02_s1`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            experiment,
            plate,
            well,
            site,
        } = self;
        write!(f, "{experiment}/Plate{plate}/{well}_s{site}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padding_of_the_last_number_is_dropped() {
        for (raw, name) in [
            ("HUVEC-01", "HUVEC-1"),
            ("HUVEC-1", "HUVEC-1"),
            ("HUVEC-10", "HUVEC-10"),
            ("A-02-003", "A-02-3"),
            ("HUVEC-00", "HUVEC-0"),
            ("HUVEC", "HUVEC"),
            ("HUVEC-", "HUVEC-"),
            ("HUVEC-1b", "HUVEC-1b"),
            ("HUVEC01", "HUVEC01"),
        ] {
            assert_eq!(ExperimentName::new(raw).as_str(), name);
        }
        assert_eq!(
            ExperimentName::new("HUVEC-01"),
            ExperimentName::new("HUVEC-1")
        );
    }

    #[test]
    fn experiments_are_in_natural_order() {
        let expected = [
            "HEPG2-11",
            "HUVEC",
            "HUVEC-2",
            "HUVEC-10",
            "HUVEC-99999999999999999999",
            "RPE-1",
        ];
        let mut names = expected.map(ExperimentName::new);
        names.reverse();
        names.sort();
        assert_eq!(names.each_ref().map(ExperimentName::as_str), expected);
    }

    #[test]
    fn sites_are_in_array_order() {
        let key = |experiment, plate, well: &str, site| SiteKey {
            experiment: ExperimentName::new(experiment),
            plate: Plate::Number(plate),
            well: well.parse().unwrap(),
            site,
        };
        let keys = [
            key("HUVEC-02", 1, "B02", 1),
            key("HUVEC-02", 1, "B02", 2),
            key("HUVEC-2", 1, "C01", 1),
            key("HUVEC-02", 2, "B02", 1),
            key("HUVEC-10", 1, "B02", 1),
        ];
        assert!(keys.is_sorted_by(|a, b| a < b));
        assert_eq!(keys[0].to_string(), "HUVEC-2/Plate1/B02_s1");
    }

    #[test]
    fn channels_are_w_and_a_positive_number() {
        assert_eq!("w12".parse(), Ok(Channel(12)));
        assert_eq!(Channel(6).to_string(), "w6");
        for text in ["", "w", "w0", "6", "W1", "w+1", "w65536", "w1 "] {
            assert_eq!(text.parse::<Channel>(), Err(NotAChannel), "{text:?}");
        }
    }
}
