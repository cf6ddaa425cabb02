//! Comparison of the pixels of a chunk with the tables and with the source.

use std::sync::atomic::{AtomicUsize, Ordering};

use rxrx_decoder::{PlaneSummary, SummaryScratch, summarise};
use rxrx_format::keys::PLANES;
use rxrx_format::{ChunkAddress, ChunkDecoder, PlaneRow, Root, STATISTICS, TileGrid, plane_shape};
use rxrx_reader::consistency::{FindingKind, Tables};

use super::overview::{OverviewBuffers, OverviewCheck, UnitOverviews};
use super::shard_findings::ShardFindings;
use super::source::{SourceCheck, SourceWorker};

/// The root and the tables that the pixels are compared with, and the source, if
/// there is one.
pub(super) struct Expected<'a> {
    pub(super) root: &'a Root,
    pub(super) tables: &'a Tables,
    pub(super) decoder: &'a ChunkDecoder,
    /// `None` where the dataset has no overviews.
    pub(super) overviews: Option<&'a OverviewCheck>,
    pub(super) source: Option<&'a SourceCheck<'a>>,
}

/// Counts of planes. Threads only add to them, and they are read when the threads
/// have ended: no order between them matters.
#[derive(Debug, Default)]
pub(super) struct PlaneCounters {
    /// Planes that were decoded and compared with the tables.
    pub(super) decoded: AtomicUsize,
    /// Planes that were compared with the source.
    pub(super) compared: AtomicUsize,
}

/// The buffers of one worker.
pub(super) struct ChunkWorker {
    /// The pixels of the planes of a chunk.
    pixels: Vec<u8>,
    /// The pixels of a tile of them, where planes are cut.
    tile: Vec<u8>,
    scratch: SummaryScratch,
    overviews: OverviewBuffers,
    source: Option<SourceWorker>,
}

impl ChunkWorker {
    pub(super) fn new() -> Self {
        Self {
            pixels: Vec::new(),
            tile: Vec::new(),
            scratch: SummaryScratch::new(),
            overviews: OverviewBuffers::default(),
            source: None,
        }
    }

    /// Decodes a chunk, or the tiles of the same planes, and checks the planes and their
    /// `overviews`, if these could be read.
    pub(super) fn check(
        &mut self,
        expected: &Expected<'_>,
        address: &ChunkAddress,
        (chunks, overviews): (&[&[u8]], Option<&UnitOverviews>),
        findings: &ShardFindings<'_>,
        counters: &PlaneCounters,
    ) {
        if !self.decode(expected, address, chunks, findings) {
            return;
        }
        if let Some(source) = expected.source {
            let files = self.source.get_or_insert_with(|| source.worker());
            source.read(files, address);
        }
        let geometry = &expected.root.geometry;
        let planes = self.pixels.chunks_exact(geometry.plane_bytes());
        for (position, pixels) in planes.enumerate() {
            let site = address.sites.start + position / geometry.chunk_channels;
            let channel = address.channels.start + position % geometry.chunk_channels;
            if !address.sites.contains(&site) || !address.channels.contains(&channel) {
                if !is_zero(pixels) {
                    let text = "pixels outside the array are not 0".to_owned();
                    findings.chunk(address, FindingKind::Mismatch, text);
                }
                continue;
            }
            let plane = (site, channel);
            let row = expected.tables.plane(expected.root, site, channel);
            if let Some(text) = differences(pixels, row, expected, &mut self.scratch) {
                findings.plane(plane, FindingKind::Mismatch, text);
            } else if let Some((check, overviews)) = expected.overviews.zip(overviews) {
                // Of other pixels than the recorded ones, nobody knows the overview.
                let findings = findings.of_overviews();
                check.compare(overviews, plane, pixels, &mut self.overviews, findings);
            }
            counters.decoded.fetch_add(1, Ordering::Relaxed);
            if let Some((source, files)) = expected.source.zip(self.source.as_mut()) {
                let report = |text| findings.plane(plane, FindingKind::UnlikeSource, text);
                let compared = source.check_plane(files, plane, pixels, row, report);
                let compared = usize::from(compared);
                counters.compared.fetch_add(compared, Ordering::Relaxed);
            }
        }
    }
}

impl ChunkWorker {
    /// Decodes a chunk, or the tiles of the same planes. Returns whether that succeeded.
    fn decode(
        &mut self,
        expected: &Expected<'_>,
        address: &ChunkAddress,
        chunks: &[&[u8]],
        findings: &ShardFindings<'_>,
    ) -> bool {
        let geometry = &expected.root.geometry;
        // The operating system allocates the pages when they are first written: when a
        // chunk decodes to as many bytes as the root says.
        resize(&mut self.pixels, geometry.group_bytes());
        let grid = TileGrid::of(geometry);
        if grid.is_some() {
            resize(&mut self.tile, geometry.chunk_bytes());
        }
        for (tile, bytes) in chunks.iter().enumerate() {
            let pixels = match grid {
                Some(_) => &mut self.tile,
                None => &mut self.pixels,
            };
            if let Err(error) = expected.decoder.decode(bytes, pixels) {
                let text = match grid {
                    Some(_) => format!("tile {tile} of its planes: {error}"),
                    None => format!("its chunk: {error}"),
                };
                findings.chunk(address, FindingKind::Damaged, text);
                return false;
            }
            let Some(grid) = &grid else { continue };
            let planes = self.pixels.chunks_exact_mut(geometry.plane_bytes());
            for (pixels, plane) in self.tile.chunks_exact(geometry.tile_bytes()).zip(planes) {
                if !grid.is_padded_with_zeros(pixels, tile) {
                    let text = format!("pixels of tile {tile} outside the planes are not 0");
                    findings.chunk(address, FindingKind::Mismatch, text);
                }
                grid.paste(pixels, tile, plane);
            }
        }
        true
    }
}

/// Gives a buffer that length. Its content is unspecified.
fn resize(buffer: &mut Vec<u8>, length: usize) {
    if buffer.len() != length {
        *buffer = vec![0; length];
    }
}

/// Says how the pixels of a plane differ from its row, if they do.
fn differences(
    pixels: &[u8],
    row: Option<&PlaneRow>,
    expected: &Expected<'_>,
    scratch: &mut SummaryScratch,
) -> Option<String> {
    match row? {
        PlaneRow::Ok { summary, .. } => {
            let shape = plane_shape(&expected.root.geometry);
            summary_differences(&summarise(pixels, shape, scratch), summary)
        }
        _ if is_zero(pixels) => None,
        PlaneRow::Missing | PlaneRow::Unreadable { .. } | PlaneRow::Corrupt { .. } => Some(
            format!("{PLANES} records no pixels for it, and they are not 0"),
        ),
    }
}

fn is_zero(pixels: &[u8]) -> bool {
    pixels.iter().all(|&byte| byte == 0)
}

/// Says how two summaries differ, if they do.
fn summary_differences(found: &PlaneSummary, recorded: &PlaneSummary) -> Option<String> {
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
