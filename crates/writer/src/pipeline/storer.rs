//! What writes: shards, chunk by chunk, and the record of each.

use std::io::{self, Write};
use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use rxrx_format::{ChunkAddress, ShardIndex, channel_chunks, keys};
use rxrx_metadata::{SiteIndex, Unit};

use super::chunk::EncodedChunk;
use super::{PipelineError, Shared, StopOnPanic};
use crate::events::Event;
use crate::journal::{PlaneRecord, StoredUnit, UnitRecord};

pub(super) struct Storer<'a> {
    shared: &'a Shared<'a>,
    /// The next chunk to be written.
    next: usize,
}

/// A shard that has been written but for its index.
#[derive(Default)]
struct Written {
    index: ShardIndex,
    /// Site-major.
    planes: Vec<PlaneRecord>,
}

impl<'a> Storer<'a> {
    pub(super) fn new(shared: &'a Shared<'a>) -> Self {
        Self { shared, next: 0 }
    }

    /// Stores units as long as there are any that no other storer has taken, and
    /// returns what is kept of them.
    pub(super) fn run(mut self) -> Vec<StoredUnit> {
        let shared = self.shared;
        let _guard = StopOnPanic(shared);
        let mut stored = Vec::new();
        loop {
            let place = shared.next_to_store.fetch_add(1, Ordering::Relaxed);
            let Some(unit) = shared.units.get(place) else {
                break;
            };
            self.next = place * shared.pipeline.chunks_per_unit();
            if !self.wait_for(self.next) {
                break;
            }
            match self.store(unit) {
                Ok(unit) => stored.push(unit),
                Err(error) => {
                    // Where a chunk of it was the cause, that failure is kept.
                    shared.fail(place, error);
                    break;
                }
            }
        }
        stored
    }

    /// Writes the shard of a unit and, once it is durable, its record.
    fn store(&mut self, unit: &Unit) -> Result<StoredUnit, PipelineError> {
        let pipeline = self.shared.pipeline;
        let geometry = pipeline.plan.geometry();
        let key = keys::shard_key(unit.shard);
        let first = self.next;
        let former = pipeline.former.get(&unit.shard);
        let planes = match former {
            Some(former) => pipeline.journal.read_back(former)?.planes,
            None => Vec::new(),
        };
        let mut written = None;
        let mut kept = None;
        let stored = pipeline.output.put_streamed(&key, &mut |object| {
            self.next = first;
            let shard = self.write_chunks(unit, object)?;
            kept = former.filter(|_| {
                let lost = first_lost(&planes, &shard.planes);
                lost.inspect(|&plane| self.tell_kept(unit, &key, plane))
                    .is_some()
            });
            if kept.is_some() {
                return Err(io::Error::other("the shard stays as it was"));
            }
            object.write_all(&shard.index.encode(geometry.chunks_per_shard()))?;
            written = Some(shard);
            Ok(())
        });
        if let Some(former) = kept {
            pipeline.output.add_stored(former);
            return Ok(former.clone());
        }
        let (sha256, bytes) = stored?;
        let Written { index, planes } = written.unwrap_or_default();
        let rows = index.ranges().chunks(channel_chunks(geometry));
        let ranges = rows.filter_map(|row| Some(row.first()?.start..row.last()?.end));
        let ranges = ranges.flat_map(|range| std::iter::repeat_n(range, geometry.chunk_sites));
        let record = UnitRecord {
            unit: unit.clone(),
            bytes,
            sha256,
            ranges: ranges.take(unit.sites.len()).collect(),
            planes,
        };
        pipeline.journal.record(&record)?;
        pipeline
            .observer
            .notice(Event::UnitStored { key: &key, bytes });
        Ok(StoredUnit::from(&record))
    }

    /// Writes the chunks of a unit as they come.
    fn write_chunks(&mut self, unit: &Unit, object: &mut dyn Write) -> io::Result<Written> {
        let shared = self.shared;
        let geometry = shared.pipeline.plan.geometry();
        let mut index = ShardIndex::default();
        let mut planes = vec![PlaneRecord::Missing; unit.sites.len() * geometry.channels];
        for chunk in 0..shared.pipeline.chunks_of(unit) {
            let Some(encoded) = self.take() else {
                return Err(io::Error::other("the run was stopped"));
            };
            object.write_all(&encoded.bytes)?;
            index.add(encoded.bytes.len());
            shared.stored.give_back(encoded.bytes);
            let task = ChunkAddress::new(geometry, unit, chunk);
            for ((site, channel), record) in task.planes().zip(encoded.planes) {
                let place = (site - unit.sites.start) * geometry.channels + channel;
                if let Some(plane) = planes.get_mut(place) {
                    *plane = record;
                }
            }
            shared.lock().written += 1;
            shared.written.notify_all();
        }
        Ok(Written { index, planes })
    }

    /// The next chunk, when it is encoded; `None` when it never will be.
    fn take(&mut self) -> Option<EncodedChunk> {
        if !self.wait_for(self.next) {
            return None;
        }
        let encoded = self.shared.lock().encoded.remove(&self.next);
        self.next += 1;
        encoded
    }

    /// Waits until a chunk is encoded; whether it is.
    fn wait_for(&self, number: usize) -> bool {
        let unit = number / self.shared.pipeline.chunks_per_unit();
        let mut state = self.shared.lock();
        loop {
            if state.stopped || unit >= state.units {
                return false;
            }
            if state.encoded.contains_key(&number) {
                return true;
            }
            let waited = self.shared.encoded.wait(state);
            state = waited.unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn tell_kept(&self, unit: &Unit, key: &str, plane: usize) {
        let pipeline = self.shared.pipeline;
        let channels = pipeline.plan.geometry().channels;
        let site = SiteIndex(unit.sites.start + plane / channels);
        let path = pipeline.plan.source(site, plane % channels);
        pipeline.observer.notice(Event::UnitKept {
            key,
            path: path.as_deref().unwrap_or_default(),
        });
    }
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
