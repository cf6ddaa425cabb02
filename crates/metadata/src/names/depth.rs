//! The depth of a stack that is converted.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Which of the depths of a stack are converted. In JSON it is the number, or `"max"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Depth {
    /// One, as the names of the images count.
    One(u32),
    /// All, made one plane.
    Projection(Projection),
}

/// How one plane is made of several.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Projection {
    /// The largest value of each pixel: a maximum intensity projection.
    Max,
}

impl Depth {
    /// The depth, if one is converted.
    pub(crate) fn one(self) -> Option<u32> {
        match self {
            Self::One(depth) => Some(depth),
            Self::Projection(Projection::Max) => None,
        }
    }
}

impl FromStr for Depth {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "max" => Ok(Self::Projection(Projection::Max)),
            text => text
                .parse()
                .map(Self::One)
                .map_err(|_| "expected a whole number, such as 1, or max"),
        }
    }
}

impl fmt::Display for Depth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::One(depth) => depth.fmt(f),
            Self::Projection(Projection::Max) => f.write_str("max"),
        }
    }
}
