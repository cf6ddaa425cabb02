//! Comparison of the index of a shard with the array and with `metadata.parquet`.

use std::ops::Range;

use rxrx_format::{ChunkAddress, channel_chunks};
use rxrx_metadata::Unit;
use rxrx_reader::consistency::FindingKind;

use super::shard_findings::ShardFindings;

/// Checks the byte ranges of the chunks of a shard, and returns the chunks inside the
/// array that have bytes.
pub(super) fn check_index(
    unit: &Unit,
    ranges: &[Option<Range<u64>>],
    findings: &ShardFindings<'_>,
) -> Vec<usize> {
    let geometry = &findings.root.geometry;
    let rows = unit.sites.len().div_ceil(geometry.chunk_sites);
    let inside = rows * channel_chunks(geometry);
    let mut chunks = Vec::new();
    for (chunk, range) in ranges.iter().enumerate() {
        match range {
            Some(_) if chunk < inside => chunks.push(chunk),
            None if chunk >= inside => {}
            None => {
                let address = ChunkAddress::new(geometry, unit, chunk);
                let text = "the index says that its chunk was never written".to_owned();
                findings.chunk(&address, FindingKind::Missing, text);
            }
            Some(_) => {
                let text = format!("chunk {chunk} is stored, and lies outside the array");
                let key = findings.key;
                findings.findings.object(FindingKind::Extra, key, text);
            }
        }
    }
    check_byte_ranges(unit, rows, ranges, findings);
    chunks
}

/// Compares the byte ranges of the sites with those in `metadata.parquet`.
fn check_byte_ranges(
    unit: &Unit,
    rows: usize,
    ranges: &[Option<Range<u64>>],
    findings: &ShardFindings<'_>,
) {
    let geometry = &findings.root.geometry;
    let Some(sites) = &findings.tables.sites else {
        return;
    };
    let in_row = channel_chunks(geometry);
    for (row, ranges) in ranges.chunks(in_row).take(rows).enumerate() {
        let ends = (ranges.first(), ranges.last());
        let (Some(Some(first)), Some(Some(last))) = ends else {
            continue;
        };
        let address = ChunkAddress::new(geometry, unit, row * in_row);
        for site in address.sites.clone() {
            let Some(place) = sites.places.get(site) else {
                continue;
            };
            if place.range != (first.start..last.end) {
                let text = format!(
                    "its bytes are {} to {}, metadata.parquet says {} to {}",
                    first.start, last.end, place.range.start, place.range.end
                );
                findings.site(site, FindingKind::Mismatch, text);
            }
        }
    }
}
