//! Comparison of the index of a shard with the array, `metadata.parquet` and
//! `planes.parquet`.

use std::ops::Range;

use rxrx_format::{ChunkAddress, channel_chunks, site_chunks};
use rxrx_metadata::Unit;
use rxrx_reader::consistency::FindingKind;

use super::memory::largest_group;
use super::pieces::ChunkGroup;
use super::shard_findings::ShardFindings;

/// Checks the byte ranges of the chunks of a shard, and returns the groups of chunks inside
/// the array that can be decoded.
pub(super) fn check_index(
    unit: &Unit,
    ranges: &[Option<Range<u64>>],
    findings: &ShardFindings<'_>,
) -> Vec<ChunkGroup> {
    let geometry = &findings.root.geometry;
    let rows = unit.sites.len().div_ceil(geometry.chunk_sites);
    let inside = rows * site_chunks(geometry);
    for (chunk, range) in ranges.iter().enumerate() {
        match range {
            Some(_) if chunk >= inside => {
                let text = format!("chunk {chunk} is stored, and lies outside the array");
                let key = findings.key;
                findings.findings.object(FindingKind::Extra, key, text);
            }
            None if chunk < inside => {
                let address = ChunkAddress::new(geometry, unit, chunk / geometry.tiles());
                let text = "the index says that its chunk was never written".to_owned();
                findings.chunk(&address, FindingKind::Missing, text);
            }
            _ => {}
        }
    }
    check_site_ranges(unit, rows, ranges, findings);
    check_plane_ranges(unit, ranges, findings);
    let groups = ranges.chunks(geometry.tiles()).enumerate();
    let groups = groups.take(rows * channel_chunks(geometry));
    groups
        .filter_map(|(number, chunks)| group(unit, number, chunks, findings))
        .collect()
}

/// Returns a group of chunks, if all of them are there, lie one behind the other and are
/// not larger than they can be.
fn group(
    unit: &Unit,
    number: usize,
    chunks: &[Option<Range<u64>>],
    findings: &ShardFindings<'_>,
) -> Option<ChunkGroup> {
    let geometry = &findings.root.geometry;
    let chunks: Vec<Range<u64>> = chunks.iter().cloned().collect::<Option<_>>()?;
    let address = ChunkAddress::new(geometry, unit, number);
    let range = chunks.first()?.start..chunks.last()?.end;
    let is_in_order = chunks.windows(2).all(|pair| match pair {
        [first, second] => first.end == second.start,
        _ => false,
    });
    if !is_in_order {
        let text = "its tiles do not lie one behind the other".to_owned();
        findings.chunk(&address, FindingKind::Mismatch, text);
        return None;
    }
    let (bytes, largest) = (range.end - range.start, largest_group(geometry));
    if bytes > largest {
        let text = format!("its chunk has {bytes} bytes, and can have {largest} at most");
        findings.chunk(&address, FindingKind::Damaged, text);
        return None;
    }
    Some(ChunkGroup {
        number,
        range,
        chunks,
    })
}

/// Returns the bytes from the first chunk to the last one; `None` if one of these is absent.
fn span(chunks: &[Option<Range<u64>>]) -> Option<Range<u64>> {
    let (first, last) = (chunks.first()?.as_ref()?, chunks.last()?.as_ref()?);
    Some(first.start..last.end)
}

/// Compares the byte ranges of the sites with those in `metadata.parquet`.
fn check_site_ranges(
    unit: &Unit,
    rows: usize,
    ranges: &[Option<Range<u64>>],
    findings: &ShardFindings<'_>,
) {
    let geometry = &findings.root.geometry;
    let Some(sites) = &findings.tables.sites else {
        return;
    };
    let chunks = ranges.chunks(site_chunks(geometry));
    for (row, chunks) in chunks.take(rows).enumerate() {
        let Some(found) = span(chunks) else { continue };
        let address = ChunkAddress::new(geometry, unit, row * channel_chunks(geometry));
        for site in address.sites.clone() {
            let Some(place) = sites.places.get(site) else {
                continue;
            };
            if place.range != found {
                let text = range_text(&found, &place.range, "metadata.parquet");
                findings.site(site, FindingKind::Mismatch, text);
            }
        }
    }
}

/// Compares the byte ranges of the planes with those in `planes.parquet`, if it has any.
fn check_plane_ranges(unit: &Unit, ranges: &[Option<Range<u64>>], findings: &ShardFindings<'_>) {
    let geometry = &findings.root.geometry;
    let planes = unit.sites.start * geometry.channels..unit.sites.end * geometry.channels;
    let stated = findings.tables.plane_ranges.get(planes.clone());
    let chunks = ranges.chunks(geometry.tiles());
    for ((plane, stated), chunks) in planes.zip(stated.unwrap_or_default()).zip(chunks) {
        let Some(found) = span(chunks) else { continue };
        if *stated != found {
            let plane = (plane / geometry.channels, plane % geometry.channels);
            let text = range_text(&found, stated, "planes.parquet");
            findings.plane(plane, FindingKind::Mismatch, text);
        }
    }
}

fn range_text(found: &Range<u64>, stated: &Range<u64>, table: &str) -> String {
    format!(
        "its bytes are {} to {}, {table} says {} to {}",
        found.start, found.end, stated.start, stated.end
    )
}
