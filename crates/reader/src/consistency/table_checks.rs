//! Comparison of the tables with each other and with the root.

use rxrx_format::keys::{
    IMAGES, IMAGES_METADATA, OVERVIEW, OVERVIEW_METADATA, PLANES, ROOT_METADATA, SITES, shard_key,
};
use rxrx_format::{
    ENCODER_REVISION, PlaneCounts, PlaneRow, Root, SitesTable, array_metadata, key_value_metadata,
    overview_metadata,
};

use super::documents::compare_documents;
use super::finding::{Finding, FindingKind, Findings};
use super::tables::Tables;

/// Compares the tables with each other, with the attributes of the root and
/// with the metadata of the arrays.
pub(super) fn check_tables(tables: &Tables, root: &Root, findings: &Findings) {
    let Root {
        attributes,
        geometry,
        ..
    } = root;
    if let Some(planes) = &tables.planes {
        let counts = PlaneCounts::of(planes.iter());
        if counts != attributes.planes {
            let text = format!(
                "its attributes count {:?}, {PLANES} has {counts:?}",
                attributes.planes
            );
            findings.object(FindingKind::Mismatch, ROOT_METADATA, text);
        }
    }
    let lacks_ranges = geometry.has_plane_chunks() && tables.plane_ranges.is_empty();
    for (lacks, columns) in [
        (lacks_ranges, "columns object, byte_offset and byte_length"),
        (!tables.has_pixels, "column pixels"),
    ] {
        if lacks && tables.planes.is_some() && !attributes.is_format_3() {
            let text = format!("it has no {columns}");
            findings.object(FindingKind::Mismatch, PLANES, text);
        }
    }
    let Some(sites) = &tables.sites else { return };
    // Another encoder may write fewer keys.
    let same_encoder = attributes.encoder_revision == Some(ENCODER_REVISION);
    for (key, expected) in key_value_metadata(geometry, attributes) {
        let found = sites.key_values.get(key);
        if found != Some(&expected) && (same_encoder || found.is_some()) {
            let text = format!("its note {key:?} is {found:?}, the root says {expected:?}");
            findings.object(FindingKind::Mismatch, SITES, text);
        }
    }
    let expected = array_metadata(geometry, &sites.columns, attributes.settings.codec);
    if let Some(found) = root.arrays.get(IMAGES) {
        compare_documents(IMAGES_METADATA, found, &expected, attributes, findings);
    }
    if let Some(found) = root.arrays.get(OVERVIEW) {
        let expected = overview_metadata(geometry, &sites.columns);
        compare_documents(OVERVIEW_METADATA, found, &expected, attributes, findings);
    } else if same_encoder && !attributes.is_format_3() {
        let text = format!("it has no array {OVERVIEW:?}");
        findings.object(FindingKind::Mismatch, ROOT_METADATA, text);
    }
    check_places(tables, root, sites, findings);
}

/// `shard` and `complete` of each site.
fn check_places(tables: &Tables, root: &Root, sites: &SitesTable, findings: &Findings) {
    let mut key = (usize::MAX, String::new());
    for (site, place) in sites.places.iter().enumerate() {
        let shard = site / root.geometry.shard_sites;
        if key.0 != shard {
            key = (shard, shard_key(shard));
        }
        let mismatch = |text: String| {
            findings.add(Finding {
                object: SITES.to_owned(),
                sites: Some(tables.span(site..site + 1)),
                channel: None,
                kind: FindingKind::Mismatch,
                text,
            });
        };
        if *place.shard != *key.1 {
            mismatch(format!("shard is {:?}, expected {:?}", place.shard, key.1));
        }
        let ok = |channel| match tables.plane(root, site, channel) {
            Some(plane) => matches!(plane, PlaneRow::Ok { .. }),
            None => place.complete,
        };
        let complete = (0..root.geometry.channels).all(ok);
        if tables.planes.is_some() && complete != place.complete {
            mismatch(format!(
                "complete is {}, and {PLANES} says {complete}",
                place.complete
            ));
        }
    }
}
