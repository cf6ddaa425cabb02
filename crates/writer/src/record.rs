//! What is known of a unit once it is stored: enough to fill its rows of both
//! tables without reading its pixels again.

use std::borrow::Cow;
use std::ops::Range;

use rxrx_decoder::PlaneSummary;
use rxrx_metadata::{Plan, Unit};
use serde::{Deserialize, Serialize};

use crate::source::SourceStamp;

/// SHA-256 of a stored object.
pub(crate) type Sha256Sum = [u8; 32];

/// What became of one plane.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "lowercase")]
pub enum PlaneRecord {
    /// Decoded and stored.
    Ok {
        /// The image file as it was when it was read.
        source: SourceStamp,
        /// Statistics and hash of the pixels.
        summary: PlaneSummary,
    },
    /// There is no image; the pixels are 0.
    Missing,
    /// The image could not be used; the pixels are 0.
    Corrupt {
        /// The image file as it was when it was read; `None` when it could not be.
        source: Option<SourceStamp>,
        /// What is wrong with it.
        error: String,
        /// Machine-readable cause, for counting.
        cause: Cow<'static, str>,
    },
}

impl PlaneRecord {
    /// Whether the plane was decoded and stored.
    pub fn is_ok(&self) -> bool {
        matches!(self, Self::Ok { .. })
    }

    /// The image file that was read, where there was one.
    pub fn source(&self) -> Option<SourceStamp> {
        match self {
            Self::Ok { source, .. } => Some(*source),
            Self::Corrupt { source, .. } => *source,
            Self::Missing => None,
        }
    }
}

/// What became of one unit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UnitRecord {
    /// The unit.
    pub unit: Unit,
    /// Size of the stored object in bytes.
    pub bytes: u64,
    /// SHA-256 of the stored object.
    #[serde(with = "hex::serde")]
    pub sha256: Sha256Sum,
    /// For each site of the unit, where its chunks lie in the object.
    pub ranges: Vec<Range<u64>>,
    /// For each site of the unit and each channel, site-major, what became of it.
    pub planes: Vec<PlaneRecord>,
}

impl UnitRecord {
    /// Whether this can be a record of a unit of `plan`.
    pub(crate) fn fits(&self, plan: &Plan) -> bool {
        let sites = self.unit.sites.len();
        plan.unit(self.unit.shard).as_ref() == Some(&self.unit)
            && self.ranges.len() == sites
            && self.planes.len() == sites * plan.geometry().channels
            && self
                .ranges
                .iter()
                .all(|range| range.start <= range.end && range.end <= self.bytes)
    }

    /// Whether every plane was stored.
    pub(crate) fn is_complete(&self) -> bool {
        self.planes.iter().all(PlaneRecord::is_ok)
    }
}

/// How many planes came to what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
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
