//! Reads every shard once, and checks it on all cores while it is in memory.
//!
//! ```text
//! readers: get a shard, read its index ──(its checksum, then its chunks)──> workers
//! ```
//!
//! **Memory.** The channel between them holds nothing, so that there are at most
//! as many shards as readers and workers, and most of the time one a reader;
//! each worker has one raw chunk.

use std::num::NonZeroUsize;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crossbeam_channel::{Receiver, Sender, bounded};
use rxrx_decoder::{PlaneSummary, SummaryScratch, summarise};
use rxrx_format::keys::PLANES;
use rxrx_format::{
    ChunkAddress, ChunkDecoder, PlaneRow, Root, STATISTICS, channel_chunks, plane_shape, read_index,
};
use rxrx_metadata::Unit;
use rxrx_storage::Store;
use sha2::{Digest, Sha256};

use super::checksums::Checksums;
use super::finding::{Finding, FindingKind, Findings};
use super::source::{SourceCheck, SourceWorker};
use super::tables::{Tables, chain};
use crate::events::{Event, Observer};

/// Shards that are fetched while others are checked, so that no worker waits
/// for a disk.
const READERS: usize = 2;

/// Everything that the checks of all shards share.
pub(super) struct ShardCheck<'a> {
    pub(super) store: &'a dyn Store,
    pub(super) checksums: &'a Checksums,
    pub(super) findings: &'a Findings,
    pub(super) observer: &'a dyn Observer,
    pub(super) jobs: NonZeroUsize,
    /// `None` when the root is not to be believed: then there are checksums only.
    pub(super) expected: Option<Expected<'a>>,
}

/// What the pixels must be.
pub(super) struct Expected<'a> {
    pub(super) root: &'a Root,
    pub(super) tables: &'a Tables,
    pub(super) decoder: &'a ChunkDecoder,
    pub(super) source: Option<&'a SourceCheck<'a>>,
}

/// What was done.
#[derive(Debug, Default)]
pub(super) struct Counts {
    /// Planes that were decoded and compared with the tables.
    pub(super) planes: AtomicUsize,
    /// Planes that were compared with the source.
    pub(super) compared: AtomicUsize,
}

/// A shard in memory.
struct Loaded {
    key: String,
    unit: Option<Unit>,
    bytes: Vec<u8>,
    ranges: Vec<Option<Range<u64>>>,
}

enum Work {
    Checksum(Arc<Loaded>),
    Chunk(Arc<Loaded>, usize),
}

/// The buffers of one worker.
struct Worker {
    pixels: Vec<u8>,
    scratch: SummaryScratch,
    source: Option<SourceWorker>,
}

impl ShardCheck<'_> {
    /// Checks the objects at `keys`.
    pub(super) fn run(&self, keys: &[String]) -> Counts {
        let counts = Counts::default();
        let next = AtomicUsize::new(0);
        thread::scope(|scope| {
            let (work, to_do) = bounded(0);
            for _ in 0..READERS {
                let (work, next) = (work.clone(), &next);
                scope.spawn(move || {
                    while let Some(key) = keys.get(next.fetch_add(1, Ordering::Relaxed)) {
                        self.load(key, &work);
                    }
                });
            }
            let source = self.expected.as_ref().and_then(|expected| expected.source);
            let readers = source.map_or(1, SourceCheck::readers);
            for _ in 0..self.jobs.get().max(readers) {
                let (to_do, counts) = (to_do.clone(), &counts);
                scope.spawn(move || self.work(&to_do, counts));
            }
        });
        counts
    }

    /// A reader: hands out the work on one shard.
    fn load(&self, key: &str, work: &Sender<Work>) {
        let bytes = match self.store.get(key) {
            Ok(Some(bytes)) => bytes,
            Ok(None) => {
                self.checksums.accept(key);
                return self.about_shard(key, FindingKind::Missing, "it went away".to_owned());
            }
            Err(error) => {
                self.checksums.accept(key);
                return self.about_shard(key, FindingKind::Damaged, chain(&error));
            }
        };
        let mut loaded = Loaded {
            key: key.to_owned(),
            unit: None,
            bytes,
            ranges: Vec::new(),
        };
        if let Some(expected) = &self.expected {
            let geometry = &expected.root.geometry;
            match read_index(&loaded.bytes, geometry.chunks_per_shard()) {
                Ok(ranges) => loaded.ranges = ranges,
                Err(error) => {
                    self.about_shard(key, FindingKind::Damaged, format!("its index: {error}"));
                }
            }
            loaded.unit = expected.root.shard(key).map(|n| geometry.unit(n));
        }
        let loaded = Arc::new(loaded);
        // The workers end when the readers do, and never before.
        let _ = work.send(Work::Checksum(loaded.clone()));
        if let Some(expected) = &self.expected {
            for chunk in self.chunks(expected, &loaded) {
                let _ = work.send(Work::Chunk(loaded.clone(), chunk));
            }
        }
    }

    fn work(&self, to_do: &Receiver<Work>, counts: &Counts) {
        let mut worker = Worker {
            pixels: Vec::new(),
            scratch: SummaryScratch::new(),
            source: None,
        };
        for work in to_do {
            match (work, &self.expected) {
                (Work::Chunk(loaded, chunk), Some(expected)) => {
                    self.check_chunk(expected, &loaded, chunk, &mut worker, counts);
                }
                (Work::Checksum(loaded) | Work::Chunk(loaded, _), _) => {
                    let checksum = Sha256::digest(&loaded.bytes).into();
                    self.checksums.check(&loaded.key, checksum, self.findings);
                }
            }
        }
    }

    /// Compares the index with the array and with the table; the chunks inside
    /// the array that have bytes.
    fn chunks(&self, expected: &Expected<'_>, loaded: &Loaded) -> Vec<usize> {
        let geometry = &expected.root.geometry;
        let Some(unit) = &loaded.unit else {
            return Vec::new();
        };
        let in_row = channel_chunks(geometry);
        let rows = unit.sites.len().div_ceil(geometry.chunk_sites);
        let inside = rows * in_row;
        let mut chunks = Vec::new();
        for (chunk, range) in loaded.ranges.iter().enumerate() {
            match range {
                Some(_) if chunk < inside => chunks.push(chunk),
                None if chunk >= inside => {}
                None => {
                    let task = ChunkAddress::new(geometry, unit, chunk);
                    let text = "the index says that its chunk was never written".to_owned();
                    self.about_chunk(expected, loaded, &task, FindingKind::Missing, text);
                }
                Some(_) => {
                    let text = format!("chunk {chunk} is stored, and lies outside the array");
                    self.findings.object(FindingKind::Extra, &loaded.key, text);
                }
            }
        }
        let Some(sites) = &expected.tables.sites else {
            return chunks;
        };
        for (row, ranges) in loaded.ranges.chunks(in_row).take(rows).enumerate() {
            let ends = (ranges.first(), ranges.last());
            let (Some(Some(first)), Some(Some(last))) = ends else {
                continue;
            };
            let task = ChunkAddress::new(geometry, unit, row * in_row);
            for site in task.sites.clone() {
                let Some(place) = sites.places.get(site) else {
                    continue;
                };
                if place.range != (first.start..last.end) {
                    let text = format!(
                        "its bytes are {} to {}, metadata.parquet says {} to {}",
                        first.start, last.end, place.range.start, place.range.end
                    );
                    self.findings.add(Finding {
                        object: loaded.key.clone(),
                        sites: Some(expected.tables.span(site..site + 1)),
                        channel: None,
                        kind: FindingKind::Mismatch,
                        text,
                    });
                }
            }
        }
        chunks
    }

    fn check_chunk(
        &self,
        expected: &Expected<'_>,
        loaded: &Loaded,
        chunk: usize,
        worker: &mut Worker,
        counts: &Counts,
    ) {
        let geometry = &expected.root.geometry;
        let (Some(unit), Some(Some(range))) = (&loaded.unit, loaded.ranges.get(chunk)) else {
            return;
        };
        let task = ChunkAddress::new(geometry, unit, chunk);
        // The index has been checked against the object's size.
        let bytes = loaded.bytes.get(range.start as usize..range.end as usize);
        let bytes = bytes.unwrap_or_default();
        let Worker {
            pixels,
            scratch,
            source,
        } = worker;
        if pixels.len() != geometry.chunk_bytes() {
            // Untouched until a chunk turns out to be as large as the root says.
            *pixels = vec![0; geometry.chunk_bytes()];
        }
        match expected.decoder.decode(bytes, pixels) {
            Ok(()) => {
                let mut check = expected.source.map(|check| {
                    let files = source.get_or_insert_with(|| check.worker());
                    check.read(files, &task);
                    (check, files)
                });
                let shape = plane_shape(geometry);
                let plane_bytes = geometry.plane_bytes();
                for (position, plane) in pixels.chunks_exact(plane_bytes).enumerate() {
                    let site = task.sites.start + position / geometry.chunk_channels;
                    let channel = task.channels.start + position % geometry.chunk_channels;
                    let mismatch = |kind: FindingKind, text: String| {
                        self.findings.add(Finding {
                            object: loaded.key.clone(),
                            sites: Some(expected.tables.span(site..site + 1)),
                            channel: expected.root.channels.get(channel).cloned(),
                            kind,
                            text,
                        });
                    };
                    if !task.sites.contains(&site) || !task.channels.contains(&channel) {
                        if plane.iter().any(|&byte| byte != 0) {
                            let text = "pixels outside the array are not 0".to_owned();
                            self.about_chunk(expected, loaded, &task, FindingKind::Mismatch, text);
                        }
                        continue;
                    }
                    let record = expected.tables.plane(expected.root, site, channel);
                    match record {
                        Some(PlaneRow::Ok { summary, .. }) => {
                            let found = summarise(plane, shape, scratch);
                            if let Some(text) = unlike(&found, summary) {
                                mismatch(FindingKind::Mismatch, text);
                            }
                        }
                        Some(_) if plane.iter().any(|&byte| byte != 0) => {
                            let text =
                                format!("{PLANES} records no pixels for it, and they are not 0");
                            mismatch(FindingKind::Mismatch, text);
                        }
                        _ => {}
                    }
                    counts.planes.fetch_add(1, Ordering::Relaxed);
                    if let Some((check, files)) = &mut check {
                        let place = (site, channel);
                        let compared = check.check_plane(files, place, plane, record, |text| {
                            mismatch(FindingKind::UnlikeSource, text);
                        });
                        counts
                            .compared
                            .fetch_add(usize::from(compared), Ordering::Relaxed);
                    }
                }
            }
            Err(error) => {
                let text = format!("its chunk: {error}");
                self.about_chunk(expected, loaded, &task, FindingKind::Damaged, text);
            }
        }
        let is_last = task.channels.end == geometry.channels;
        self.observer.notice(Event::ChunkVerified {
            sites: if is_last { task.sites.len() } else { 0 },
            stored_bytes: bytes.len() as u64,
        });
    }

    /// Something that touches all sites of a shard.
    fn about_shard(&self, key: &str, kind: FindingKind, text: String) {
        let span = self.expected.as_ref().and_then(|expected| {
            let unit = expected.root.geometry.unit(expected.root.shard(key)?);
            Some(expected.tables.span(unit.sites))
        });
        self.findings.add(Finding {
            object: key.to_owned(),
            sites: span,
            channel: None,
            kind,
            text,
        });
    }

    /// Something that touches the sites of a chunk, and its channel where there
    /// is only one.
    fn about_chunk(
        &self,
        expected: &Expected<'_>,
        loaded: &Loaded,
        task: &ChunkAddress,
        kind: FindingKind,
        text: String,
    ) {
        let channel = match task.channels.len() {
            1 => expected.root.channels.get(task.channels.start).cloned(),
            _ => None,
        };
        self.findings.add(Finding {
            object: loaded.key.clone(),
            sites: Some(expected.tables.span(task.sites.clone())),
            channel,
            kind,
            text,
        });
    }
}

/// In what the pixels are not those of the record.
fn unlike(found: &PlaneSummary, recorded: &PlaneSummary) -> Option<String> {
    if found == recorded {
        return None;
    }
    if found.xxh3_128 != recorded.xxh3_128 {
        return Some(format!(
            "the xxh3_128 of its pixels is {:032x}, {PLANES} says {:032x}",
            found.xxh3_128, recorded.xxh3_128
        ));
    }
    let (found, recorded) = (&found.statistics, &recorded.statistics);
    let differing = STATISTICS
        .iter()
        .filter(|statistic| !statistic.is_same(found, recorded));
    let texts = differing.map(|statistic| {
        let (found, recorded) = (statistic.text(found), statistic.text(recorded));
        format!("{} is {found}, {PLANES} says {recorded}", statistic.name)
    });
    Some(texts.collect::<Vec<_>>().join("; "))
}
