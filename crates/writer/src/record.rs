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
}

/// What is kept in memory of a unit that is stored. Its record, a kilobyte a
/// site, is in the journal.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct StoredUnit {
    pub(crate) unit: Unit,
    /// Size of the stored object in bytes.
    pub(crate) bytes: u64,
    /// SHA-256 of the stored object.
    pub(crate) sha256: Sha256Sum,
    /// What became of its planes.
    pub(crate) planes: PlaneCounts,
    /// Bytes of the image files that were read.
    pub(crate) source_bytes: u64,
}

impl From<&UnitRecord> for StoredUnit {
    fn from(record: &UnitRecord) -> Self {
        let sources = record.planes.iter().filter_map(PlaneRecord::source);
        Self {
            unit: record.unit.clone(),
            bytes: record.bytes,
            sha256: record.sha256,
            planes: PlaneCounts::of_planes(record.planes.iter()),
            source_bytes: sources.map(|source| source.bytes).sum(),
        }
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
    /// The planes of all `units` together.
    pub(crate) fn of(units: &[StoredUnit]) -> Self {
        let mut counts = Self::default();
        for StoredUnit { planes, .. } in units {
            counts.ok += planes.ok;
            counts.missing += planes.missing;
            counts.corrupt += planes.corrupt;
        }
        counts
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
