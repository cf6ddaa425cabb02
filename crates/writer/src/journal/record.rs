//! What is known of a unit once it is stored: enough to fill its rows of both
//! tables without reading its pixels again.

use std::borrow::Cow;
use std::ops::Range;

use rxrx_decoder::PlaneSummary;
use rxrx_format::{PlaneCounts, PlaneRow, Sha256Sum, SitePlace, keys};
use rxrx_input::SourceStamp;
use rxrx_metadata::{Plan, Unit};
use serde::{Deserialize, Serialize};

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

impl From<PlaneRecord> for PlaneRow {
    fn from(record: PlaneRecord) -> Self {
        match record {
            PlaneRecord::Ok { source, summary } => Self::Ok {
                source_bytes: source.bytes,
                summary,
            },
            PlaneRecord::Missing => Self::Missing,
            PlaneRecord::Corrupt {
                source,
                error,
                cause,
            } => Self::Corrupt {
                source_bytes: source.map(|source| source.bytes),
                error,
                cause: Some(cause.into_owned()),
            },
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
    /// The places of the unit's sites, of which each has so many channels.
    pub(crate) fn places(&self, channels: usize) -> impl Iterator<Item = SitePlace> {
        let sites = self.ranges.iter().zip(self.planes.chunks(channels));
        sites.map(|(range, planes)| SitePlace {
            range: range.clone(),
            complete: planes.iter().all(PlaneRecord::is_ok),
        })
    }

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

impl StoredUnit {
    /// Key of the shard.
    pub(crate) fn shard_key(&self) -> String {
        keys::shard_key(self.unit.shard)
    }
}

impl From<&UnitRecord> for StoredUnit {
    fn from(record: &UnitRecord) -> Self {
        let sources = record.planes.iter().filter_map(PlaneRecord::source);
        Self {
            unit: record.unit.clone(),
            bytes: record.bytes,
            sha256: record.sha256,
            planes: count_planes(&record.planes),
            source_bytes: sources.map(|source| source.bytes).sum(),
        }
    }
}

fn count_planes(planes: &[PlaneRecord]) -> PlaneCounts {
    let mut counts = PlaneCounts::default();
    for plane in planes {
        match plane {
            PlaneRecord::Ok { .. } => counts.ok += 1,
            PlaneRecord::Missing => counts.missing += 1,
            PlaneRecord::Corrupt { .. } => counts.corrupt += 1,
        }
    }
    counts
}
