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

use rxrx_metadata::{ArrayGeometry, Column, ColumnMeaning, ColumnValues, Embeddings, Plan};
use serde_json::{Map, Value};

use self::gathered::Gathered;
use crate::card::dataset_card;
use crate::croissant::{StoredFile, croissant};
use crate::hierarchy::{
    CARD, CHECKSUMS, CROISSANT, DatasetAttributes, GROUP, IMAGES_METADATA, ROOT_METADATA,
    images_metadata, root_metadata,
};
use crate::journal::{Journal, JournalError};
use crate::labels::{Label, LabelError};
use crate::output::{LostObject, Output};
use crate::record::StoredUnit;
use crate::refused::RefusedImages;
use crate::side_by_side::side_by_side;
use crate::store::StoreError;
use crate::tables::{
    CHANNEL_STATS, EMBEDDINGS, PLANES, SITES, TableError, channel_stats_table, embeddings_table,
    sites_table,
};

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
    output: &Output<'_>,
) -> Result<Vec<RefusedImages>, SealError> {
    let geometry = plan.geometry();
    let notes = notes(geometry, attributes);
    let Gathered {
        present,
        places,
        channel_stats,
        planes,
        refused,
    } = Gathered::new(plan, units, journal, &notes)?;
    let columns = plan.table().columns();
    let labels = labels(columns, present, attributes)?;
    side_by_side(&labels, AT_ONCE, |label| {
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
    let files: Vec<StoredFile> = [SITES, PLANES, CHANNEL_STATS, EMBEDDINGS]
        .into_iter()
        .filter_map(|key| output.stored(key))
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
    let mut arrays = Map::from_iter([("images".to_owned(), images)]);
    for label in labels {
        let key = format!("{GROUP}/{}/zarr.json", label.name);
        let metadata = document(&key, &label.metadata)?;
        documents.push((key, metadata));
        arrays.insert(label.name, label.metadata);
    }
    side_by_side(&documents, AT_ONCE, |(key, document)| {
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

/// The label arrays: index coordinates, stains, metadata columns, `present`.
/// `present` says of each plane, in array order, whether it was stored.
pub(crate) fn labels(
    columns: &[Column],
    present: Vec<bool>,
    attributes: &DatasetAttributes,
) -> Result<Vec<Label>, LabelError> {
    let channels = &attributes.channels;
    let site_ids = columns.iter().find(|column| column.name == "site_id");
    let site_ids: Vec<String> = match site_ids.map(|column| &column.values) {
        Some(ColumnValues::String(ids)) => ids
            .iter()
            .map(|id| id.unwrap_or_default().to_owned())
            .collect(),
        _ => Vec::new(),
    };
    let sites = site_ids.len();
    let mut labels = vec![
        Label::text("site", "site", site_ids, &ColumnMeaning::of("site_id"))?,
        Label::text(
            "channel",
            "channel",
            channels.iter().map(|c| c.name.clone()).collect(),
            &meaning("channel", "Fluorescence channel, w1 to wN"),
        )?,
        Label::text(
            "stain",
            "channel",
            channels.iter().map(|c| c.stain.clone()).collect(),
            &meaning("stain", "Dye of the channel; empty where it is not known"),
        )?,
        Label::flags(
            "present",
            ["site", "channel"],
            [sites, channels.len()],
            present,
            &meaning(
                "image present",
                "False where the image was missing or corrupt; the pixels are then 0",
            ),
        )?,
    ];
    for column in columns {
        labels.push(Label::column(column)?);
    }
    Ok(labels)
}

fn meaning(long_name: &str, description: &str) -> ColumnMeaning {
    ColumnMeaning {
        long_name: long_name.to_owned(),
        description: description.to_owned(),
    }
}

/// Key-value metadata of the tables: what array they belong to, and all that a
/// reader without a Zarr library needs to decode a byte range.
pub(crate) fn notes(
    geometry: &ArrayGeometry,
    attributes: &DatasetAttributes,
) -> Vec<(&'static str, String)> {
    let codec = attributes.settings.codec;
    let json = |value: Value| value.to_string();
    vec![
        ("array", "images.zarr/images".to_owned()),
        ("array_shape", json(geometry.shape().to_vec().into())),
        ("array_dimensions", "site,channel,y,x".to_owned()),
        ("data_type", geometry.data_type.zarr_name().to_owned()),
        ("chunk_shape", json(geometry.chunk_shape().to_vec().into())),
        ("chunk_codecs", json(codec.chain(geometry).into())),
        ("dataset", attributes.description.name.clone()),
        ("license", attributes.description.license.clone()),
        ("citation", attributes.description.citation.clone()),
        ("generator", attributes.generator.clone()),
    ]
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
