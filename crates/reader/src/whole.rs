//! Whether all objects of a dataset are there, told by their names and sizes.
//!
//! A Zarr reader takes a shard that is not there for zeros, so a copy that lost shards
//! opens without an error. `SHA256SUMS` names every object, and `metadata.parquet`
//! states where the last chunk of each shard ends, behind which only the index lies.
//! Nothing else is read; [`consistency`] compares contents.
//!
//! [`consistency`]: crate::consistency

use std::collections::HashMap;

use rxrx_format::index_bytes;
use rxrx_format::keys::{SITES, shard_key};
use rxrx_storage::StoredObject;
use serde::Serialize;

use crate::dataset::Dataset;
use crate::error::DatasetError;

/// Number of objects of each kind that are named.
const EXAMPLES: usize = 10;

/// What is missing of a dataset.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Gaps {
    /// Objects that are not there.
    pub missing_objects: ObjectCount,
    /// Shards that are longer or shorter than they were written.
    pub resized_shards: ObjectCount,
}

/// A number of objects, and the first of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ObjectCount {
    /// How many.
    pub count: usize,
    /// Keys of the first ten.
    pub examples: Vec<String>,
}

impl Gaps {
    /// Whether nothing is missing and every shard has its size.
    pub fn is_whole(&self) -> bool {
        self.missing_objects.count == 0 && self.resized_shards.count == 0
    }
}

impl ObjectCount {
    /// Counts one more object.
    pub fn add(&mut self, key: &str) {
        if self.count < EXAMPLES {
            self.examples.push(key.to_owned());
        }
        self.count += 1;
    }
}

impl Dataset {
    /// Compares the objects that are there with the keys that are expected and, if it is
    /// there, with the table of sites.
    pub(crate) fn gaps(
        &self,
        objects: &[StoredObject],
        expected: &[String],
    ) -> Result<Gaps, DatasetError> {
        let sizes = objects.iter();
        let sizes: HashMap<&str, u64> = sizes
            .map(|object| (object.key.as_str(), object.size))
            .collect();
        let mut gaps = Gaps::default();
        for key in expected {
            if !sizes.contains_key(key.as_str()) {
                gaps.missing_objects.add(key);
            }
        }
        if !sizes.contains_key(SITES) {
            return Ok(gaps);
        }
        for shard in 0..self.root.geometry.shards() {
            let key = shard_key(shard);
            let size = self.shard_bytes(shard)?;
            match sizes.get(key.as_str()) {
                Some(&found) if found != size => gaps.resized_shards.add(&key),
                _ => {}
            }
        }
        Ok(gaps)
    }

    /// Returns the size of a shard by the table of sites: its chunks and its index.
    pub(crate) fn shard_bytes(&self, shard: usize) -> Result<u64, DatasetError> {
        let index = index_bytes(self.root.geometry.chunks_per_shard()) as u64;
        Ok(self.chunks_end(shard)?.saturating_add(index))
    }
}
