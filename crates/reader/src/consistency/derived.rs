//! Comparison of the objects that are made from other objects with what these would
//! give now.
#![allow(
    clippy::indexing_slicing,
    reason = "a JSON value has null at every place that is not there"
)]

use std::collections::BTreeMap;

use bytes::Bytes;
use rxrx_format::keys::{
    CHANNEL_STATS, CHANNELS, CROISSANT, EMBEDDINGS, LICENSE, PLATES, ROOT_METADATA, SITES,
};
use rxrx_format::{
    DisplayWindows, EmbeddingsDigest, PlateSums, Root, StoredFile, channel_stats, channel_stats_of,
    channels_of, croissant, embeddings_of, keys, parse_json, plates_of,
};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::documents::is_of_this_program;
use super::error_chain::error_chain;
use super::finding::{FindingKind, Findings};
use super::tables::Tables;

/// Tables of a dataset without embeddings.
const TABLES: usize = 5;
/// Rows of a table that differ and are spelled out.
const ROWS_NAMED: usize = 20;

/// Compares `channels.parquet` with the channels in the root.
pub(super) fn check_channels(root: &Root, objects: &BTreeMap<String, Bytes>, findings: &Findings) {
    let Some(bytes) = objects.get(CHANNELS).cloned() else {
        return;
    };
    let mismatch = |text: String| findings.object(FindingKind::Mismatch, CHANNELS, text);
    let channels = &root.attributes.description.channels;
    match channels_of(bytes, channels) {
        Ok(found) => {
            let differing = found.iter().zip(channels).enumerate();
            let differing = differing.filter(|(_, (found, expected))| found != expected);
            for (row, (found, expected)) in differing.take(ROWS_NAMED) {
                mismatch(format!(
                    "row {row} is {found:?}, the root says {expected:?}"
                ));
            }
        }
        Err(error) => mismatch(error_chain(&error)),
    }
}

/// Compares `LICENSE.txt` with the licence in the root.
pub(super) fn check_license(root: &Root, objects: &BTreeMap<String, Bytes>, findings: &Findings) {
    let expected = root.attributes.description.license_file();
    if let Some((found, expected)) = objects.get(LICENSE).zip(expected)
        && *found != expected
    {
        let text = "it is not the licence that the root states".to_owned();
        findings.object(FindingKind::Mismatch, LICENSE, text);
    }
}

/// Compares `channel_stats.parquet` with the sums of the planes.
pub(super) fn check_channel_stats(
    tables: &Tables,
    root: &Root,
    objects: &BTreeMap<String, Bytes>,
    findings: &Findings,
) {
    let (Some(bytes), Some(sites), Some(planes)) = (
        objects.get(CHANNEL_STATS).cloned(),
        &tables.sites,
        &tables.planes,
    ) else {
        return;
    };
    let geometry = &root.geometry;
    let pixels = geometry.plane_pixels();
    let (columns, channels) = (&sites.columns, geometry.channels);
    let rules = &root.attributes.description.rows;
    let expected = channel_stats(columns, channels, pixels, rules, planes.iter());
    let mismatch = |text: String| findings.object(FindingKind::Mismatch, CHANNEL_STATS, text);
    let found = match channel_stats_of(bytes, expected.len(), &root.channels) {
        Ok(found) => found,
        Err(error) => return mismatch(error_chain(&error)),
    };
    let differing = found.iter().zip(&expected).enumerate();
    let differing = differing.filter(|(_, (found, expected))| found != expected);
    for (row, (found, expected)) in differing.take(ROWS_NAMED) {
        mismatch(format!(
            "row {row} is {found:?}, the planes give {expected:?}"
        ));
    }
}

/// Compares `plates.parquet` with the sites and planes.
pub(super) fn check_plates(
    tables: &Tables,
    root: &Root,
    objects: &BTreeMap<String, Bytes>,
    findings: &Findings,
) {
    let (Some(bytes), Some(sites), Some(planes)) =
        (objects.get(PLATES).cloned(), &tables.sites, &tables.planes)
    else {
        return;
    };
    let mut sums = PlateSums::new(&sites.columns, root.geometry.channels);
    planes.iter().for_each(|plane| sums.add(plane));
    let expected = sums.rows(root.geometry.plane_pixels());
    let mismatch = |text: String| findings.object(FindingKind::Mismatch, PLATES, text);
    let found = match plates_of(bytes, expected.len(), &root.channels) {
        Ok(found) => found,
        Err(error) => return mismatch(error_chain(&error)),
    };
    let differing = found.iter().zip(&expected).enumerate();
    let differing = differing.filter(|(_, (found, expected))| found != expected);
    for (row, (found, expected)) in differing.take(ROWS_NAMED) {
        mismatch(format!(
            "row {row} is {found:?}, the planes give {expected:?}"
        ));
    }
}

/// Compares the display windows that come from the data with the percentiles of the planes.
pub(super) fn check_windows(tables: &Tables, root: &Root, findings: &Findings) {
    let Some(planes) = &tables.planes else { return };
    let channels = &root.attributes.description.channels;
    let mut windows = DisplayWindows::new(channels.len(), root.geometry.data_type);
    planes.iter().for_each(|plane| windows.add(plane));
    for (channel, expected) in channels.iter().zip(windows.windows()) {
        if channel.has_window_of_data() && channel.window != expected {
            let text = format!(
                "the display window of {} is {}, the planes give {expected}",
                channel.name, channel.window
            );
            findings.object(FindingKind::Mismatch, ROOT_METADATA, text);
        }
    }
}

/// Compares `embeddings.parquet` with the root and the ids of the sites.
pub(super) fn check_embeddings(
    tables: &Tables,
    root: &Root,
    objects: &BTreeMap<String, Bytes>,
    findings: &Findings,
) {
    let (Some(bytes), Some(expected)) = (
        objects.get(EMBEDDINGS).cloned(),
        &root.attributes.embeddings,
    ) else {
        return;
    };
    let mismatch = |text: String| findings.object(FindingKind::Mismatch, EMBEDDINGS, text);
    let found = match embeddings_of(bytes, root.geometry.sites, expected.length) {
        Ok(found) => found,
        Err(error) => return mismatch(error_chain(&error)),
    };
    let digest = EmbeddingsDigest::of(&found.embeddings);
    if digest != *expected {
        mismatch(format!(
            "the sha256 of its vectors is {}, the root says {}",
            digest.sha256, expected.sha256
        ));
    }
    let Some(sites) = &tables.sites else { return };
    let ids = found.site_ids.iter().enumerate();
    let wrong = ids.filter(|(row, id)| sites.site_id(*row) != Some(id.as_str()));
    for (row, id) in wrong.take(ROWS_NAMED) {
        let expected = sites.site_id(row);
        mismatch(format!("row {row} is of {id:?}, {SITES} has {expected:?}"));
    }
}

/// Compares `croissant.json` with the tables that it describes.
pub(super) fn check_croissant(
    tables: &Tables,
    root: &Root,
    objects: &BTreeMap<String, Bytes>,
    findings: &Findings,
) {
    let Some(bytes) = objects.get(CROISSANT).cloned() else {
        return;
    };
    let mismatch = |text: String| findings.object(FindingKind::Mismatch, CROISSANT, text);
    let found = match parse_json(&bytes) {
        Ok(found) => found,
        Err(error) => return mismatch(error.to_string()),
    };
    let (attributes, geometry) = (&root.attributes, &root.geometry);
    let files = stored_tables(objects);
    // Without columns, the files that it describes can still be compared.
    let columns = tables.sites.as_ref().map(|sites| sites.columns.as_slice());
    let expected = croissant(columns.unwrap_or(&[]), geometry, attributes, &files);
    compare_files(&found, &expected, mismatch);
    // Another version of the program may describe the same otherwise, and a damaged
    // table cannot be compared.
    let tables = TABLES + usize::from(attributes.embeddings.is_some());
    let same_program = is_of_this_program(attributes);
    let readable = columns.is_some() && files.len() == tables && !findings.concern(CROISSANT);
    if same_program && readable && found != expected {
        mismatch("it does not describe these tables and attributes".to_owned());
    }
}

/// Returns the sizes and checksums of the tables.
fn stored_tables(objects: &BTreeMap<String, Bytes>) -> Vec<StoredFile> {
    let tables = keys::tables().filter_map(|table| {
        let key = table.key;
        let table = objects.get(key)?;
        Some(StoredFile {
            key,
            bytes: table.len() as u64,
            sha256: Sha256::digest(table).into(),
        })
    });
    tables.collect()
}

/// Compares what two Croissant descriptions say of files.
fn compare_files(found: &Value, expected: &Value, mismatch: impl Fn(String)) {
    let told = found["distribution"].as_array().into_iter().flatten();
    for file in expected["distribution"].as_array().into_iter().flatten() {
        let key = &file["@id"];
        let is_it = |told: &&Value| told["@id"] == *key;
        match told.clone().find(is_it) {
            // An earlier program described other sets of files.
            None if file["@type"] == "cr:FileSet" => {}
            None => mismatch(format!("it does not describe {key}")),
            Some(told) => {
                for about in ["contentSize", "sha256", "contentUrl", "includes"] {
                    if told[about] != file[about] {
                        mismatch(format!(
                            "{about} of {key} is {}, expected {}",
                            told[about], file[about]
                        ));
                    }
                }
            }
        }
    }
}
