//! The last writes of a conversion, in the order that makes them safe.
//!
//! 1. chunks of the label arrays, several at once
//! 2. `metadata.parquet`, `planes.parquet`, `plates.parquet`, `channels.parquet`,
//!    `channel_stats.parquet`, `embeddings.parquet`
//! 3. `README.md`, `LICENSE.txt`, `croissant.json`, `zarr.json` of each label array and of
//!    `images` and `overview`, several at once
//! 4. `SHA256SUMS`, which already lists the object that is still to come
//! 5. if every object exists with the size with which it was put, in an object store
//!    `store-checksums.json`, and the root `images.zarr/zarr.json`
//!
//! The records of the units are read before that.
//!
//! A reader opens the root group. Until step 5 there is none, so an incomplete
//! dataset cannot be taken for a complete one.

mod collected_records;
mod error;
#[cfg(test)]
mod tests;

use rxrx_format::keys::{
    CARD, CHANNEL_STATS, CHANNELS, CHECKSUMS, CROISSANT, EMBEDDINGS, GROUP, IMAGES,
    IMAGES_METADATA, LICENSE, OVERVIEW, OVERVIEW_METADATA, PLANES, PLATES, ROOT_METADATA, SITES,
    array_metadata_key,
};
use rxrx_format::{
    DatasetAttributes, Label, StoredFile, channel_stats_table, channels_table, croissant,
    dataset_card, embeddings_table, images_metadata, key_value_metadata, keys, labels,
    overview_metadata, plates_table, root_metadata, sites_table,
};
use rxrx_metadata::{Embeddings, Plan};
use rxrx_storage::{StoreError, for_each_concurrent};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use self::collected_records::CollectedRecords;
pub use self::error::SealError;
use crate::journal::{StoredUnit, UnitRecords};
use crate::output::ChecksummedStore;
use crate::refused::RefusedImages;

/// Small objects that are put at once. A disk takes longer to flush one than to
/// write it, and flushes several in the same time.
const AT_ONCE: usize = 8;

/// Everything that a dataset is sealed with.
pub(crate) struct Seal<'a> {
    pub(crate) plan: &'a Plan,
    /// All units in array order.
    pub(crate) units: &'a [StoredUnit],
    pub(crate) records: UnitRecords<'a>,
    pub(crate) embeddings: Option<&'a Embeddings>,
    /// The attributes; the display windows that the data give are set in the seal.
    pub(crate) attributes: DatasetAttributes,
    pub(crate) output: &'a ChecksummedStore<'a>,
}

/// A dataset that is sealed.
pub(crate) struct Sealed {
    /// The images that could not be used.
    pub(crate) refused: Vec<RefusedImages>,
    /// The error of the flush of the root metadata, which a crash of the machine may
    /// therefore remove.
    pub(crate) not_flushed: Option<StoreError>,
}

impl Seal<'_> {
    /// Writes everything but the shards and the overviews; the dataset is complete when this returns.
    pub(crate) fn write(mut self) -> Result<Sealed, SealError> {
        let metadata = key_value_metadata(self.plan.geometry(), &self.attributes);
        let rules = &self.attributes.description.rows;
        let mut records =
            CollectedRecords::collect(self.plan, self.units, &self.records, &metadata, rules)?;
        let channels = &mut self.attributes.description.channels;
        records.windows.set(channels);
        let columns = self.plan.table().columns();
        let present = std::mem::take(&mut records.present);
        let labels = labels(columns, present, &self.attributes)?;
        for_each_concurrent(&labels, AT_ONCE, |label| {
            let key = format!("{GROUP}/{}/{}", label.name, label.chunk_key);
            self.output.put(&key, &[&label.chunk]).map(drop)
        })?;
        let refused = self.put_tables(records, &metadata)?;
        let arrays = self.put_documents(labels)?;
        let not_flushed = self.put_root(arrays)?;
        Ok(Sealed {
            refused,
            not_flushed,
        })
    }

    /// Puts the tables. Returns the images that could not be used.
    fn put_tables(
        &self,
        records: CollectedRecords,
        metadata: &[(&str, String)],
    ) -> Result<Vec<RefusedImages>, SealError> {
        let Self { plan, output, .. } = self;
        let CollectedRecords {
            places,
            planes,
            plates,
            channel_stats,
            refused,
            ..
        } = records;
        let meanings = &self.attributes.description.columns;
        output.put(SITES, &[&sites_table(plan, &places, meanings, metadata)?])?;
        output.put(PLANES, &[&planes])?;
        drop((places, planes));
        let channels = &self.attributes.description.channels;
        output.put(PLATES, &[&plates_table(&plates, channels, metadata)?])?;
        output.put(CHANNELS, &[&channels_table(channels, metadata)?])?;
        let stats = channel_stats_table(&channel_stats, plan.channel_names(), metadata)?;
        output.put(CHANNEL_STATS, &[&stats])?;
        if let Some(embeddings) = self.embeddings {
            let site_ids: Vec<&str> = plan.table().site_ids().collect();
            let table = embeddings_table(embeddings, &site_ids, metadata)?;
            output.put(EMBEDDINGS, &[&table])?;
        }
        Ok(refused)
    }

    /// Puts the card, the licence, the Croissant description and the metadata of every array.
    /// The attributes get the checksum of the card.
    /// Returns the metadata by array.
    fn put_documents(&mut self, labels: Vec<Label>) -> Result<Map<String, Value>, SealError> {
        let Self {
            plan,
            attributes,
            output,
            ..
        } = self;
        let files: Vec<StoredFile> = keys::tables()
            .filter_map(|table| output.stored(table.key))
            .collect();
        let columns = plan.table().columns();
        let croissant = croissant(columns, plan.geometry(), attributes, &files);
        let images = images_metadata(plan, attributes.settings.codec);
        let overview = overview_metadata(plan.geometry(), columns);
        let card = dataset_card(plan, attributes).into_bytes();
        attributes.card_sha256 = Some(hex::encode(Sha256::digest(&card)));
        let mut documents = vec![
            (CARD.to_owned(), card),
            (CROISSANT.to_owned(), document(CROISSANT, &croissant)?),
            (
                IMAGES_METADATA.to_owned(),
                document(IMAGES_METADATA, &images)?,
            ),
            (
                OVERVIEW_METADATA.to_owned(),
                document(OVERVIEW_METADATA, &overview)?,
            ),
        ];
        let license = attributes.description.license_file();
        documents.extend(license.map(|text| (LICENSE.to_owned(), text.into_bytes())));
        let mut arrays =
            Map::from_iter([(IMAGES.to_owned(), images), (OVERVIEW.to_owned(), overview)]);
        for label in labels {
            let key = array_metadata_key(&label.name);
            let metadata = document(&key, &label.metadata)?;
            documents.push((key, metadata));
            arrays.insert(label.name, label.metadata);
        }
        for_each_concurrent(&documents, AT_ONCE, |(key, document)| {
            output.put(key, &[document]).map(drop)
        })?;
        Ok(arrays)
    }

    /// Puts the list of checksums and, if every object is as it was put, the checksums of
    /// the store and the root metadata. Returns the error of its flush: the dataset is sealed all the same,
    /// because readers find the root metadata.
    fn put_root(&self, arrays: Map<String, Value>) -> Result<Option<StoreError>, SealError> {
        let root = root_metadata(&self.attributes, arrays).map_err(json_error(ROOT_METADATA))?;
        let root = document(ROOT_METADATA, &root)?;
        let list = self.output.checksum_list((ROOT_METADATA, &root));
        self.output.put(CHECKSUMS, &[list.as_bytes()])?;
        if let Some(lost) = self.output.lost()? {
            return Err(lost.into());
        }
        self.output.record_store_checksums()?;
        match self.output.put(ROOT_METADATA, &[&root]) {
            Ok(_) => Ok(None),
            Err(error) if error.action == "flush" && self.output.holds(ROOT_METADATA, &root) => {
                Ok(Some(error))
            }
            Err(error) => Err(error.into()),
        }
    }
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
