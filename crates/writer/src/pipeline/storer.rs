//! Storer threads: they write shards, chunk by chunk, the overviews and the record of each.
#![allow(
    clippy::indexing_slicing,
    reason = "a chunk has no plane outside its unit"
)]

use std::io::{self, Write};
use std::ops::Range;

use rxrx_format::{EncoderScratch, PlanePosition, ShardIndex, keys, site_chunks};
use rxrx_metadata::{SiteIndex, Unit};
use rxrx_storage::{Version, WriteOutcome};

use super::error::PipelineError;
use super::progress::StopOnPanic;
use super::shared::Shared;
use crate::events::Event;
use crate::journal::{OverviewRecord, PlaneRecord, StoredUnit, UnitRecord};
use crate::output::ObjectChecksum;

/// Stores units until no further one will be stored, and returns those that this
/// thread has stored.
pub(super) fn run_storer(shared: &Shared<'_>) -> Vec<StoredUnit> {
    let _guard = StopOnPanic(&shared.progress);
    let mut stored = Vec::new();
    let mut overviews = UnitOverviews::default();
    while let Some(position) = shared.progress.take_unit() {
        let Some(unit) = shared.units.get(position) else {
            break;
        };
        let storer = UnitStorer {
            shared,
            unit,
            first_chunk: position * shared.pipeline.groups_per_unit(),
            key: keys::shard_key(unit.shard),
        };
        match storer.store(&mut overviews) {
            Ok(Some(unit)) => stored.push(unit),
            Ok(None) => break,
            Err(error) => {
                // A failure of a chunk of this unit, which came first, is kept instead.
                shared.progress.fail(position, error);
                break;
            }
        }
    }
    stored
}

/// Stores one unit.
struct UnitStorer<'a> {
    shared: &'a Shared<'a>,
    unit: &'a Unit,
    /// Number of its first chunk in the run.
    first_chunk: usize,
    key: String,
}

/// The overviews of the planes of a unit, as they come, in memory that is used again.
#[derive(Default)]
struct UnitOverviews {
    pixels: Vec<u8>,
    scratch: EncoderScratch,
}

/// Result of writing a shard.
enum ShardOutcome {
    /// All chunks and the index are written.
    Written(WrittenShard),
    /// The shard stays as it was: this plane of the unit was good before, and is not
    /// among the new ones as it was.
    Kept { lost_plane: usize },
    /// The run ended before all chunks were encoded.
    Stopped,
}

/// The content of a shard that was written.
struct WrittenShard {
    index: ShardIndex,
    /// Site-major.
    planes: Vec<PlaneRecord>,
}

impl UnitStorer<'_> {
    /// Writes the shard and the overviews and, once both are durable, their record. `None`
    /// when the run ended before all chunks were encoded; then nothing is stored.
    fn store(&self, overviews: &mut UnitOverviews) -> Result<Option<StoredUnit>, PipelineError> {
        let pipeline = self.shared.pipeline;
        let former = pipeline.former.get(&self.unit.shard);
        let former_planes = match former {
            Some(former) => pipeline.journal.read_back(former)?.planes,
            None => Vec::new(),
        };
        let mut outcome = ShardOutcome::Stopped;
        let write = |object: &mut dyn Write| {
            outcome = self.write_shard(&former_planes, &mut overviews.pixels, object)?;
            Ok(match outcome {
                ShardOutcome::Written(_) => WriteOutcome::Store,
                ShardOutcome::Kept { .. } | ShardOutcome::Stopped => WriteOutcome::Discard,
            })
        };
        let object = pipeline.output.put_streamed(&self.key, Box::new(write))?;
        match (outcome, object, former) {
            (ShardOutcome::Written(shard), Some((object, version)), _) => {
                let overview = self.store_overviews(overviews)?;
                self.record(shard, object, version.as_ref(), overview)
                    .map(Some)
            }
            (ShardOutcome::Kept { lost_plane }, _, Some(former)) => {
                self.tell_kept(lost_plane);
                pipeline.output.add_stored(former);
                Ok(Some(former.clone()))
            }
            (ShardOutcome::Stopped, ..) => Ok(None),
            (ShardOutcome::Written(_), None, _) => Err(self.defect("was written and discarded")),
            (ShardOutcome::Kept { .. }, _, None) => Err(self.defect("was kept and never stored")),
        }
    }

    /// Stores the overviews of the unit in one object.
    fn store_overviews(&self, unit: &mut UnitOverviews) -> Result<OverviewRecord, PipelineError> {
        let pipeline = self.shared.pipeline;
        let UnitOverviews { pixels, scratch } = unit;
        let object = pipeline.overviews.object(pixels, scratch)?;
        let key = keys::overview_key(self.unit.shard);
        let write = |to: &mut dyn Write| {
            to.write_all(&object)?;
            Ok(WriteOutcome::Store)
        };
        let put = pipeline.output.put_streamed(&key, Box::new(write))?;
        let Some((stored, version)) = put else {
            return Err(PipelineError::Defect {
                key,
                reason: "was written and discarded",
            });
        };
        Ok(OverviewRecord {
            bytes: stored.bytes,
            sha256: stored.sha256,
            version: version.as_ref().and_then(Version::tag).map(str::to_owned),
        })
    }

    /// Records the shard and the overviews, which are durable.
    fn record(
        &self,
        shard: WrittenShard,
        object: ObjectChecksum,
        version: Option<&Version>,
        overview: OverviewRecord,
    ) -> Result<StoredUnit, PipelineError> {
        let pipeline = self.shared.pipeline;
        let geometry = pipeline.plan.geometry();
        let WrittenShard { index, planes } = shard;
        let ranges = spans(index.ranges(), site_chunks(geometry));
        let ranges = ranges.flat_map(|range| std::iter::repeat_n(range, geometry.chunk_sites));
        let record = UnitRecord {
            unit: self.unit.clone(),
            bytes: object.bytes,
            sha256: object.sha256,
            version: version.and_then(Version::tag).map(str::to_owned),
            job: pipeline.job.map(str::to_owned),
            overview,
            ranges: ranges.take(self.unit.sites.len()).collect(),
            plane_ranges: if geometry.has_plane_chunks() {
                spans(index.ranges(), geometry.tiles()).collect()
            } else {
                Vec::new()
            },
            planes,
        };
        if record.ranges.len() != record.unit.sites.len() {
            return Err(self.defect("lacks the chunks of a site"));
        }
        pipeline.journal.record(&record)?;
        pipeline.observer.notice(Event::UnitStored {
            key: &self.key,
            bytes: object.bytes,
        });
        Ok(StoredUnit::from(&record))
    }

    /// Writes the chunks of the unit as they come, and the index. Collects the overviews of its
    /// planes.
    fn write_shard(
        &self,
        former_planes: &[PlaneRecord],
        overviews: &mut Vec<u8>,
        object: &mut dyn Write,
    ) -> io::Result<ShardOutcome> {
        let shared = self.shared;
        let geometry = shared.pipeline.plan.geometry();
        let encoder = shared.pipeline.overviews;
        overviews.clear();
        overviews.resize(encoder.unit_bytes(), 0);
        let mut index = ShardIndex::default();
        let mut planes = vec![PlaneRecord::Missing; self.unit.sites.len() * geometry.channels];
        let chunks = shared.pipeline.groups_of(self.unit);
        for chunk in self.first_chunk..self.first_chunk + chunks {
            let Some(encoded) = shared.progress.take_encoded(chunk) else {
                return Ok(ShardOutcome::Stopped);
            };
            object.write_all(&encoded.bytes)?;
            encoded.lengths.iter().for_each(|&bytes| index.add(bytes));
            shared.chunk_buffers.give_back(encoded.bytes);
            let of_planes = encoded.overviews.chunks_exact(encoder.plane_bytes());
            for (plane, overview) in encoded.planes.into_iter().zip(of_planes) {
                let PlanePosition { site, channel } = plane.position;
                let start = encoder.offset(site.0 - self.unit.sites.start, channel);
                overviews[start..start + overview.len()].copy_from_slice(overview);
                planes[self.plane_number(plane.position)] = plane.record;
            }
            shared.overview_buffers.give_back(encoded.overviews);
            shared.progress.add_written();
        }
        if let Some(lost_plane) = first_lost(former_planes, &planes) {
            return Ok(ShardOutcome::Kept { lost_plane });
        }
        object.write_all(&index.encode(geometry.chunks_per_shard()))?;
        Ok(ShardOutcome::Written(WrittenShard { index, planes }))
    }

    /// Number of a plane in the unit, site-major.
    fn plane_number(&self, position: PlanePosition) -> usize {
        let channels = self.shared.pipeline.plan.geometry().channels;
        (position.site.0 - self.unit.sites.start) * channels + position.channel
    }

    /// Tells that the unit stays as it was, because of that plane.
    fn tell_kept(&self, plane: usize) {
        let pipeline = self.shared.pipeline;
        let channels = pipeline.plan.geometry().channels;
        let site = SiteIndex(self.unit.sites.start + plane / channels);
        // INPUT may have no image of the plane any more: then there is no path to tell.
        let path = pipeline.plan.source(site, plane % channels);
        pipeline.observer.notice(Event::UnitKept {
            key: &self.key,
            path: path.as_deref().unwrap_or(""),
        });
    }

    fn defect(&self, reason: &'static str) -> PipelineError {
        PipelineError::Defect {
            key: self.key.clone(),
            reason,
        }
    }
}

/// The ranges of bytes of so many chunks each, one behind the other.
fn spans(chunks: &[Range<u64>], together: usize) -> impl Iterator<Item = Range<u64>> {
    let spans = chunks.chunks(together);
    spans.filter_map(|chunks| Some(chunks.first()?.start..chunks.last()?.end))
}

/// The first plane that was good and is not among `planes` as it was.
fn first_lost(former: &[PlaneRecord], planes: &[PlaneRecord]) -> Option<usize> {
    let mut planes = former.iter().zip(planes);
    planes.position(|(former, now)| match (former, now) {
        (PlaneRecord::Ok { summary: then, .. }, PlaneRecord::Ok { summary: now, .. }) => {
            then.xxh3_128 != now.xxh3_128
        }
        (PlaneRecord::Ok { .. }, _) => true,
        _ => false,
    })
}
