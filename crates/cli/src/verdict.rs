//! What `convert` would answer to a plan.

use rxrx_writer::metadata::{Problems, Severity};
use rxrx_writer::{OutputSpace, Projection};
use serde::Serialize;

/// What `convert` would answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Verdict {
    /// It would convert.
    Ready,
    /// It would convert with `--allow-missing`.
    NeedsAllowMissing,
    /// It would refuse the input.
    Refused,
    /// It would refuse to begin, because the dataset does not fit.
    DoesNotFit,
}

impl Verdict {
    /// The verdict on an input with these problems, for an OUTPUT with this room.
    pub(crate) fn of(problems: &Problems, space: Option<&OutputSpace>) -> Self {
        match problems.severity() {
            Some(Severity::Fatal) => Self::Refused,
            _ if space.is_some_and(|space| !space.fits()) => Self::DoesNotFit,
            Some(Severity::NeedsAllowMissing) => Self::NeedsAllowMissing,
            Some(Severity::Notice) | None => Self::Ready,
        }
    }

    /// Whether `convert` would begin, perhaps with `--allow-missing`.
    pub(crate) fn is_possible(self) -> bool {
        matches!(self, Self::Ready | Self::NeedsAllowMissing)
    }
}

/// Bytes of pixels that a core converts in a second: 8 and 16 bits. Measured with RxRx1 on 16
/// cores, and with planes of 2048 x 2048 x 16 bits; see docs/scale.md.
const BYTES_A_SECOND: [f64; 2] = [134.0 * 1048576.0, 81.0 * 1048576.0];

/// Returns about how many seconds `jobs` cores need, if the disks keep up.
pub(crate) fn expected_seconds(projection: &Projection, sample_bytes: usize, jobs: usize) -> f64 {
    let [of_8, of_16] = BYTES_A_SECOND;
    let rate = if sample_bytes > 1 { of_16 } else { of_8 };
    projection.raw_bytes as f64 / rate / jobs.max(1) as f64
}
