//! What is made from other parts of the dataset: it must be what would be made
//! from them now.

use super::Objects;
use super::finding::{FindingKind, Findings};
use super::layout::Layout;
use super::tables::{Tables, chain};
use crate::tables::{CHANNEL_STATS, channel_stats, channel_stats_of};

/// Rows of a table that differ and are spelled out.
const ROWS_NAMED: usize = 20;

impl Tables {
    /// Compares `channel_stats.parquet` with the sums of the planes.
    pub(super) fn check_channel_stats(
        &self,
        layout: &Layout,
        objects: &mut Objects,
        findings: &Findings,
    ) {
        let (Some(bytes), Some(sites), Some(planes)) =
            (objects.take(CHANNEL_STATS), &self.sites, &self.planes)
        else {
            return;
        };
        let geometry = &layout.geometry;
        let pixels = (geometry.height as u64).saturating_mul(geometry.width as u64);
        let expected = channel_stats(&sites.columns, geometry.channels, pixels, planes.iter());
        let mismatch = |text: String| findings.object(FindingKind::Mismatch, CHANNEL_STATS, text);
        let found = match channel_stats_of(bytes.into(), expected.len(), &layout.channels) {
            Ok(found) => found,
            Err(error) => return mismatch(chain(&error)),
        };
        let differing = found.iter().zip(&expected).enumerate();
        let differing = differing.filter(|(_, (found, expected))| found != expected);
        for (row, (found, expected)) in differing.take(ROWS_NAMED) {
            mismatch(format!(
                "row {row} is {found:?}, the planes give {expected:?}"
            ));
        }
    }
}
