//! The last writes of a conversion, in the order that makes them safe.
//!
//! 1. chunks of the label arrays, several at once
//! 2. `metadata.parquet`, `planes.parquet`, `channel_stats.parquet`,
//!    `embeddings.parquet`
//! 3. `README.md`, `croissant.json`, `zarr.json` of each label array and of
//!    `images`, several at once
//! 4. `SHA256SUMS`, which already lists the object that is still to come
//! 5. if every object is there as it was put, the root `images.zarr/zarr.json`
//!
//! The records of the units are read from the journal, before all that.
//!
//! A reader opens the root group. Until step 5 there is none, so whatever
//! happens before, an incomplete dataset cannot be mistaken for a whole one.

mod gathered;
#[cfg(test)]
mod tests;

use rxrx_format::keys::{
    CARD, CHANNEL_STATS, CHECKSUMS, CROISSANT, EMBEDDINGS, GROUP, IMAGES, IMAGES_METADATA, PLANES,
    ROOT_METADATA, SITES, array_metadata_key,
};
use rxrx_format::{
    DatasetAttributes, LabelError, StoredFile, TableError, channel_stats_table, croissant,
    dataset_card, embeddings_table, images_metadata, key_value_metadata, keys, labels,
    root_metadata, sites_table,
};
use rxrx_metadata::{Embeddings, Plan};
use rxrx_storage::{StoreError, for_each_concurrent};
use serde_json::{Map, Value};

use self::gathered::Gathered;
use crate::journal::{Journal, JournalError, StoredUnit};
use crate::output::{ChecksummedStore, LostObject};
use crate::refused::RefusedImages;

/// Small objects that are put at once: a disk takes longer to flush one than to
/// write it, and flushes several in the same time.
const AT_ONCE: usize = 8;

/// A dataset could not be sealed. Everything stored so far is kept.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SealError {
    /// The record of a unit is not what it was.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// A label array could not be built.
    #[error(transparent)]
    Label(#[from] LabelError),
    /// A table could not be built.
    #[error(transparent)]
    Table(#[from] TableError),
    /// A metadata document could not be encoded.
    #[error("cannot encode {object}")]
    Json {
        /// The object's key.
        object: String,
        /// What the encoder said.
        source: serde_json::Error,
    },
    /// Somebody removed or changed an object.
    #[error(transparent)]
    Lost(#[from] LostObject),
    /// An object could not be stored.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Writes everything but the shards; the dataset is complete when this returns.
/// `units` are all units in array order, and their records are in `journal`.
/// Returns the images that could not be used.
pub(crate) fn seal(
    plan: &Plan,
    units: &[StoredUnit],
    journal: &Journal<'_>,
    embeddings: Option<&Embeddings>,
    attributes: &DatasetAttributes,
    output: &ChecksummedStore<'_>,
) -> Result<Vec<RefusedImages>, SealError> {
    let geometry = plan.geometry();
    let notes = key_value_metadata(geometry, attributes);
    let Gathered {
        present,
        places,
        channel_stats,
        planes,
        refused,
    } = Gathered::new(plan, units, journal, &notes)?;
    let columns = plan.table().columns();
    let labels = labels(columns, present, attributes)?;
    for_each_concurrent(&labels, AT_ONCE, |label| {
        let key = format!("{GROUP}/{}/{}", label.name, label.chunk_key);
        output.put(&key, &[&label.chunk]).map(drop)
    })?;

    output.put(SITES, &[&sites_table(plan, &places, &notes)?])?;
    output.put(PLANES, &[&planes])?;
    drop((places, planes));
    let names: Vec<String> = plan.channels().iter().map(ToString::to_string).collect();
    let stats = channel_stats_table(&channel_stats, &names, &notes)?;
    output.put(CHANNEL_STATS, &[&stats])?;
    if let Some(embeddings) = embeddings {
        let site_ids: Vec<&str> = plan.table().site_ids().collect();
        let table = embeddings_table(embeddings, &site_ids, &notes)?;
        output.put(EMBEDDINGS, &[&table])?;
    }
    let files: Vec<StoredFile> = keys::tables()
        .filter_map(|table| output.stored(table.key))
        .collect();
    let croissant = croissant(columns, geometry, attributes, &files);
    let images = images_metadata(plan, attributes.settings.codec);
    let mut documents = vec![
        (CARD.to_owned(), dataset_card(plan, attributes).into_bytes()),
        (CROISSANT.to_owned(), document(CROISSANT, &croissant)?),
        (
            IMAGES_METADATA.to_owned(),
            document(IMAGES_METADATA, &images)?,
        ),
    ];
    let mut arrays = Map::from_iter([(IMAGES.to_owned(), images)]);
    for label in labels {
        let key = array_metadata_key(&label.name);
        let metadata = document(&key, &label.metadata)?;
        documents.push((key, metadata));
        arrays.insert(label.name, label.metadata);
    }
    for_each_concurrent(&documents, AT_ONCE, |(key, document)| {
        output.put(key, &[document]).map(drop)
    })?;

    let root = root_metadata(attributes, arrays).map_err(json_error(ROOT_METADATA))?;
    let root = document(ROOT_METADATA, &root)?;
    let list = output.checksum_list((ROOT_METADATA, &root));
    output.put(CHECKSUMS, &[list.as_bytes()])?;
    if let Some(lost) = output.lost()? {
        return Err(lost.into());
    }
    output.put(ROOT_METADATA, &[&root])?;
    Ok(refused)
}

fn document(key: &str, value: &Value) -> Result<Vec<u8>, SealError> {
    let mut bytes = serde_json::to_vec_pretty(value).map_err(json_error(key))?;
    bytes.push(b'\n');
    Ok(bytes)
}

fn json_error(key: &str) -> impl FnOnce(serde_json::Error) -> SealError {
    move |source| SealError::Json {
        object: key.to_owned(),
        source,
    }
}
