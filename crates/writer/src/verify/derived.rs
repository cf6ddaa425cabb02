//! What is made from other parts of the dataset: it must be what would be made
//! from them now.
#![allow(
    clippy::indexing_slicing,
    reason = "a JSON value has null at every place that is not there"
)]

use rxrx_format::keys::{CHANNEL_STATS, CROISSANT, EMBEDDINGS, SITES};
use rxrx_format::{
    EmbeddingsDigest, GENERATOR, Root, StoredFile, channel_stats, channel_stats_of, croissant,
    embeddings_of,
};
use serde_json::Value;

use super::Objects;
use super::finding::{FindingKind, Findings};
use super::tables::{Tables, chain};

/// Tables of a dataset without embeddings.
const TABLES: usize = 3;
/// Rows of a table that differ and are spelled out.
const ROWS_NAMED: usize = 20;

impl Tables {
    /// Compares `channel_stats.parquet` with the sums of the planes.
    pub(super) fn check_channel_stats(
        &self,
        root: &Root,
        objects: &mut Objects,
        findings: &Findings,
    ) {
        let (Some(bytes), Some(sites), Some(planes)) =
            (objects.take(CHANNEL_STATS), &self.sites, &self.planes)
        else {
            return;
        };
        let geometry = &root.geometry;
        let pixels = (geometry.height as u64).saturating_mul(geometry.width as u64);
        let expected = channel_stats(&sites.columns, geometry.channels, pixels, planes.iter());
        let mismatch = |text: String| findings.object(FindingKind::Mismatch, CHANNEL_STATS, text);
        let found = match channel_stats_of(bytes.into(), expected.len(), &root.channels) {
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
    /// Compares `embeddings.parquet` with the root and the ids of the sites.
    pub(super) fn check_embeddings(&self, root: &Root, objects: &mut Objects, findings: &Findings) {
        let (Some(bytes), Some(expected)) = (objects.take(EMBEDDINGS), &root.attributes.embeddings)
        else {
            return;
        };
        let mismatch = |text: String| findings.object(FindingKind::Mismatch, EMBEDDINGS, text);
        let found = match embeddings_of(bytes.into(), root.geometry.sites, expected.length) {
            Ok(found) => found,
            Err(error) => return mismatch(chain(&error)),
        };
        let digest = EmbeddingsDigest::of(&found.embeddings);
        if digest != *expected {
            mismatch(format!(
                "the sha256 of its vectors is {}, the root says {}",
                digest.sha256, expected.sha256
            ));
        }
        let Some(sites) = &self.sites else { return };
        let ids = found.site_ids.iter().enumerate();
        let wrong = ids.filter(|(row, id)| sites.site_id(*row) != Some(id.as_str()));
        for (row, id) in wrong.take(ROWS_NAMED) {
            let expected = sites.site_id(row);
            mismatch(format!("row {row} is of {id:?}, {SITES} has {expected:?}"));
        }
    }

    /// Compares `croissant.json` with the tables that it describes. `files` are
    /// those that can be believed.
    pub(super) fn check_croissant(
        &self,
        root: &Root,
        objects: &mut Objects,
        files: &[StoredFile],
        findings: &Findings,
    ) {
        let Some(bytes) = objects.take(CROISSANT) else {
            return;
        };
        let mismatch = |text: String| findings.object(FindingKind::Mismatch, CROISSANT, text);
        let found: Value = match serde_json::from_slice(&bytes) {
            Ok(found) => found,
            Err(error) => return mismatch(format!("it is no JSON: {error}")),
        };
        let (attributes, geometry) = (&root.attributes, &root.geometry);
        let columns = self.sites.as_ref().map(|sites| sites.columns.as_slice());
        let expected = croissant(columns.unwrap_or_default(), geometry, attributes, files);
        let told = found["distribution"].as_array().into_iter().flatten();
        for file in expected["distribution"].as_array().into_iter().flatten() {
            let key = &file["@id"];
            let is_it = |told: &&Value| told["@id"] == *key;
            match told.clone().find(is_it) {
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
        // Another version may describe the same otherwise, and of a table that
        // is damaged there is nothing to be said.
        let tables = TABLES + usize::from(attributes.embeddings.is_some());
        let current = attributes.generator == GENERATOR;
        let readable = columns.is_some() && files.len() == tables && !findings.concern(CROISSANT);
        if current && readable && found != expected {
            mismatch("it does not describe these tables and attributes".to_owned());
        }
    }
}
