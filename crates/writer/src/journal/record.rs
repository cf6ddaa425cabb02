//! The record of a stored unit. It fills the rows of the unit in both tables, so that
//! the pixels need not be read again.

use std::borrow::Cow;
use std::ops::Range;

use rxrx_decoder::PlaneSummary;
use rxrx_format::{PlaneCounts, PlaneRow, Sha256Sum, SitePlace, keys};
use rxrx_input::{Cause, SourceStamp};
use rxrx_metadata::{Plan, Unit};
use rxrx_storage::Version;
use serde::{Deserialize, Serialize};

/// The result of one plane.
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
    /// The image could not be read, though others could; the pixels are 0.
    Unreadable {
        /// The error of the system.
        error: String,
    },
    /// The image could not be used; the pixels are 0.
    Corrupt {
        /// The image file as it was when it was read; `None` when it could not be.
        source: Option<SourceStamp>,
        /// The problem of the image.
        error: String,
        /// Machine-readable cause, for counting.
        cause: Cow<'static, str>,
    },
}

impl PlaneRecord {
    /// Returns whether the plane was decoded and stored.
    pub fn is_ok(&self) -> bool {
        matches!(self, Self::Ok { .. })
    }

    /// Returns whether there is no image.
    pub(crate) fn is_missing(&self) -> bool {
        matches!(self, Self::Missing)
    }

    /// Returns the problem of the image and its machine-readable cause, if it has one.
    pub(crate) fn problem(&self) -> Option<(&str, &str)> {
        match self {
            Self::Ok { .. } | Self::Missing => None,
            Self::Unreadable { error } => Some((error, Cause::Unreadable.as_str())),
            Self::Corrupt { error, cause, .. } => Some((error, cause)),
        }
    }

    /// Returns the stamp of the image file that was read, if there was one.
    pub fn source(&self) -> Option<SourceStamp> {
        match self {
            Self::Ok { source, .. } => Some(*source),
            Self::Corrupt { source, .. } => *source,
            Self::Missing | Self::Unreadable { .. } => None,
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
            PlaneRecord::Unreadable { error } => Self::Unreadable { error },
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

/// The object with the overviews of a unit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OverviewRecord {
    /// Its size in bytes.
    pub bytes: u64,
    /// Its SHA-256.
    #[serde(with = "hex::serde")]
    pub sha256: Sha256Sum,
    /// Its version, where the store told it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
}

/// An object of a unit, as its record has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RecordedObject {
    pub(crate) key: String,
    pub(crate) bytes: u64,
    pub(crate) sha256: Sha256Sum,
}

/// Versions of the objects of a unit that have the recorded SHA-256 and not the recorded version.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct OtherVersions {
    pub(crate) shard: Option<Version>,
    pub(crate) overview: Option<Version>,
}

impl OtherVersions {
    /// Whether both objects have the versions that the record names.
    pub(crate) fn is_none(&self) -> bool {
        self.shard.is_none() && self.overview.is_none()
    }
}

/// The result of one unit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UnitRecord {
    /// The unit.
    pub unit: Unit,
    /// Size of the shard in bytes.
    pub bytes: u64,
    /// SHA-256 of the shard.
    #[serde(with = "hex::serde")]
    pub sha256: Sha256Sum,
    /// The version of the shard, where the store told it: the object at OUTPUT is
    /// the one of this record as long as it has that version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The job whose worker stored it, by the SHA-256 of the head of its plan; `None` for a
    /// conversion of one process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<String>,
    /// The object with the overviews of the unit.
    pub overview: OverviewRecord,
    /// When it was stored, in seconds since 1970, by the clock of the worker. It only tells how
    /// fast a job is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stored_at: Option<u64>,
    /// For each site of the unit, the byte range of its chunks in the object.
    pub ranges: Vec<Range<u64>>,
    /// The byte range of each plane of the unit, site-major, where each has chunks of its
    /// own; else nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub plane_ranges: Vec<Range<u64>>,
    /// The result of each plane of the unit, site-major.
    pub planes: Vec<PlaneRecord>,
}

impl UnitRecord {
    /// Returns where each site of the unit is stored; each has so many channels.
    pub(crate) fn places(&self, channels: usize) -> impl Iterator<Item = SitePlace> {
        let sites = self.ranges.iter().zip(self.planes.chunks(channels));
        sites.map(|(range, planes)| SitePlace {
            range: range.clone(),
            complete: planes.iter().all(PlaneRecord::is_ok),
        })
    }

    /// Returns the objects of the unit, each with its version, where the store told it.
    pub(crate) fn objects(&self) -> [(RecordedObject, Option<&str>); 2] {
        let [shard, overview] = StoredUnit::from(self).objects();
        [
            (shard, self.version.as_deref()),
            (overview, self.overview.version.as_deref()),
        ]
    }

    /// Returns whether a worker of that job stored the unit, or a conversion of one process, which
    /// goes on with a job only by the same settings.
    pub(crate) fn is_of_job(&self, job: Option<&str>) -> bool {
        self.job.is_none() || self.job.as_deref() == job
    }

    /// Returns whether this can be a record of a unit of `plan`.
    pub(crate) fn fits(&self, plan: &Plan) -> bool {
        let (sites, geometry) = (self.unit.sites.len(), plan.geometry());
        let planes = sites * geometry.channels;
        let plane_ranges = if geometry.has_plane_chunks() {
            planes
        } else {
            0
        };
        let mut ranges = self.ranges.iter().chain(&self.plane_ranges);
        plan.unit(self.unit.shard).as_ref() == Some(&self.unit)
            && self.ranges.len() == sites
            && self.plane_ranges.len() == plane_ranges
            && self.planes.len() == planes
            && ranges.all(|range| range.start <= range.end && range.end <= self.bytes)
    }
}

/// The part of a record that is kept in memory. The record itself, a kilobyte a site,
/// is in the journal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct StoredUnit {
    pub(crate) unit: Unit,
    /// Size of the shard in bytes.
    pub(crate) bytes: u64,
    /// SHA-256 of the shard.
    #[serde(with = "hex::serde")]
    pub(crate) sha256: Sha256Sum,
    /// Size of the object with the overviews in bytes.
    pub(crate) overview_bytes: u64,
    /// SHA-256 of the object with the overviews.
    #[serde(with = "hex::serde")]
    pub(crate) overview_sha256: Sha256Sum,
    /// Number of planes with each result.
    pub(crate) planes: PlaneCounts,
    /// Bytes of the image files that were read.
    pub(crate) source_bytes: u64,
}

impl StoredUnit {
    /// Returns the key of the shard.
    pub(crate) fn shard_key(&self) -> String {
        keys::shard_key(self.unit.shard)
    }

    /// Returns the objects of the unit: the shard, and the overviews.
    pub(crate) fn objects(&self) -> [RecordedObject; 2] {
        [
            RecordedObject {
                key: self.shard_key(),
                bytes: self.bytes,
                sha256: self.sha256,
            },
            RecordedObject {
                key: keys::overview_key(self.unit.shard),
                bytes: self.overview_bytes,
                sha256: self.overview_sha256,
            },
        ]
    }
}

impl From<&UnitRecord> for StoredUnit {
    fn from(record: &UnitRecord) -> Self {
        let sources = record.planes.iter().filter_map(PlaneRecord::source);
        Self {
            unit: record.unit.clone(),
            bytes: record.bytes,
            sha256: record.sha256,
            overview_bytes: record.overview.bytes,
            overview_sha256: record.overview.sha256,
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
            PlaneRecord::Unreadable { .. } => counts.unreadable += 1,
            PlaneRecord::Corrupt { .. } => counts.corrupt += 1,
        }
    }
    counts
}
