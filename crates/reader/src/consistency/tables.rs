//! The tables of sites and planes.

use std::collections::BTreeMap;
use std::ops::Range;

use bytes::Bytes;
use rxrx_format::keys::{PLANES, SITES};
use rxrx_format::{PlaneRow, PlanesRead, Root, SitesTable, planes_of, sites_of};

use super::error_chain::error_chain;
use super::finding::{FindingKind, Findings, SiteSpan};

/// The tables of sites and planes. A table is `None` where it is absent, damaged or
/// unreadable; then nothing is compared with it.
#[derive(Debug, Default)]
pub struct Tables {
    /// The table of sites, in array order.
    pub sites: Option<SitesTable>,
    /// The rows of the table of planes, site-major.
    pub planes: Option<Vec<PlaneRow>>,
    /// The bytes of each plane in its shard, site-major, as that table states them; empty
    /// where it states none.
    pub plane_ranges: Vec<Range<u64>>,
    /// Whether that table has the column `pixels`.
    pub has_pixels: bool,
}

impl Tables {
    /// Reads the tables that have the right checksum.
    pub fn read(root: &Root, objects: &BTreeMap<String, Bytes>, findings: &Findings) -> Self {
        let geometry = &root.geometry;
        let mut tables = Self::default();
        if let Some(bytes) = objects.get(SITES).cloned() {
            match sites_of(bytes, geometry.sites) {
                Ok(sites) => tables.sites = Some(sites),
                Err(error) => findings.object(FindingKind::Mismatch, SITES, error_chain(&error)),
            }
        }
        if let Some(bytes) = objects.get(PLANES).cloned() {
            match planes_of(bytes, geometry, &root.channels) {
                Ok(PlanesRead {
                    rows,
                    places,
                    has_pixels,
                }) => {
                    tables.planes = Some(rows);
                    tables.plane_ranges = places;
                    tables.has_pixels = has_pixels;
                }
                Err(error) => findings.object(FindingKind::Mismatch, PLANES, error_chain(&error)),
            }
        }
        tables
    }

    /// Returns the row of one plane.
    pub fn plane(&self, root: &Root, site: usize, channel: usize) -> Option<&PlaneRow> {
        let position = site.checked_mul(root.geometry.channels)?;
        self.planes.as_ref()?.get(position.checked_add(channel)?)
    }

    /// Returns the span of sites, with the ids of its ends.
    pub fn span(&self, sites: Range<usize>) -> SiteSpan {
        let id = |row: usize| Some(self.sites.as_ref()?.site_id(row)?.to_owned());
        SiteSpan {
            site_index: sites.start,
            count: sites.len(),
            first: id(sites.start),
            last: sites.end.checked_sub(1).and_then(id),
        }
    }
}
