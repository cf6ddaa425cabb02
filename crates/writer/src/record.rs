//! What is known of a unit once it is stored: enough to fill its rows of both
//! tables without reading its pixels again.

use std::ops::Range;

use rxrx_decoder::PlaneSummary;
use rxrx_metadata::Unit;

/// What became of one plane.
#[derive(Clone, Debug, PartialEq)]
pub enum PlaneRecord {
    /// Decoded and stored.
    Ok {
        /// Size of the image file in bytes.
        source_bytes: u64,
        /// Statistics and hash of the pixels.
        summary: PlaneSummary,
    },
    /// There is no image; the pixels are 0.
    Missing,
    /// The image could not be used; the pixels are 0.
    Corrupt {
        /// Size of the image file in bytes; `None` when it could not be read.
        source_bytes: Option<u64>,
        /// What is wrong with it.
        error: String,
        /// Machine-readable cause, for counting.
        cause: &'static str,
    },
}

/// What became of one unit.
#[derive(Clone, Debug)]
pub struct UnitRecord {
    /// The unit.
    pub unit: Unit,
    /// Size of the stored object in bytes.
    pub bytes: u64,
    /// For each site of the unit, where its chunks lie in the object.
    pub ranges: Vec<Range<u64>>,
    /// For each site of the unit and each channel, site-major, what became of it.
    pub planes: Vec<PlaneRecord>,
}

/// How many planes came to what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct PlaneCounts {
    /// Decoded and stored.
    pub ok: usize,
    /// No image.
    pub missing: usize,
    /// An image that could not be used.
    pub corrupt: usize,
}

impl PlaneCounts {
    /// Counts the planes of all `units`.
    pub fn of(units: &[UnitRecord]) -> Self {
        Self::of_planes(units.iter().flat_map(|unit| &unit.planes))
    }

    pub(crate) fn of_planes<'a>(planes: impl Iterator<Item = &'a PlaneRecord>) -> Self {
        let mut counts = Self::default();
        for plane in planes {
            match plane {
                PlaneRecord::Ok { .. } => counts.ok += 1,
                PlaneRecord::Missing => counts.missing += 1,
                PlaneRecord::Corrupt { .. } => counts.corrupt += 1,
            }
        }
        counts
    }

    /// Whether every plane was stored.
    pub fn is_complete(self) -> bool {
        self.missing == 0 && self.corrupt == 0
    }
}
