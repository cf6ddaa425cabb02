//! The size of a pixel.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Largest size in micrometres that is accepted. More is a number in another unit.
const MICROMETRES_AT_MOST: f64 = 1000.0;

/// Length of the side of a pixel in the specimen, in micrometres: above 0 and at most
/// 1000.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct PixelSize(f64);

// The number is never NaN.
impl Eq for PixelSize {}

/// A number that is not the size of a pixel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected micrometres, above 0 and at most 1000, such as 0.65")]
pub struct PixelSizeError;

impl TryFrom<f64> for PixelSize {
    type Error = PixelSizeError;

    fn try_from(micrometres: f64) -> Result<Self, PixelSizeError> {
        let is_size = micrometres > 0.0 && micrometres <= MICROMETRES_AT_MOST;
        is_size.then_some(Self(micrometres)).ok_or(PixelSizeError)
    }
}

impl From<PixelSize> for f64 {
    fn from(size: PixelSize) -> Self {
        size.0
    }
}

impl FromStr for PixelSize {
    type Err = PixelSizeError;

    fn from_str(text: &str) -> Result<Self, PixelSizeError> {
        let micrometres: f64 = text.parse().map_err(|_| PixelSizeError)?;
        micrometres.try_into()
    }
}

impl fmt::Display for PixelSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_sizes_of_pixels_are_accepted() {
        for text in ["0.65", "1", "1000", "1e-3"] {
            let size: PixelSize = text.parse().unwrap();
            assert_eq!(Ok(size), size.to_string().parse(), "{text}");
        }
        for text in ["0", "-1", "1001", "nan", "inf", "", "0.65um"] {
            assert_eq!(text.parse::<PixelSize>(), Err(PixelSizeError), "{text}");
        }
    }
}
