//! The objects of a dataset that are there: by a list of the store or, where it gives
//! none, by asking for them one by one.

use std::collections::BTreeSet;

use rxrx_format::keys::{CARD, CHECKSUMS, ROOT_METADATA, SITES};
use rxrx_storage::{Store, StoreError, StoreErrorKind, StoredObject};
use serde::Serialize;

use crate::dataset::Dataset;
use crate::error::DatasetError;

/// Number of shards that are asked for of a large dataset.
const SAMPLE: usize = 64;

/// The shards that are asked for where the store gives no list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AskedShards {
    /// 64 of them, the first and the last among them, at equal distances.
    Sample,
    /// All of them.
    All,
}

/// The objects that were looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Checked {
    /// Whether the store gave a list. If not, the objects were asked for one by one.
    pub listed: bool,
    /// Number of objects that were looked for.
    pub objects: usize,
    /// Number of objects that the dataset should have.
    pub of: usize,
}

/// Returns the objects of a dataset by the list of its store; `None` where that gives none.
///
/// # Errors
/// The store cannot be reached.
pub fn listed(store: &dyn Store) -> Result<Option<Vec<StoredObject>>, StoreError> {
    match store.list() {
        // An index page for people is a list without objects.
        Ok(objects) if objects.iter().any(|object| object.key == ROOT_METADATA) => {
            Ok(Some(objects))
        }
        Err(error) if error.kind == StoreErrorKind::Unreachable => Err(error),
        _ => Ok(None),
    }
}

impl Dataset {
    /// Returns the keys of the objects that the dataset should have: those that
    /// `SHA256SUMS` names, the list itself and the card. Without a list these are the keys that
    /// every dataset has.
    pub(crate) fn expected_keys(&self) -> Result<Vec<String>, DatasetError> {
        let recorded = match self.checksums() {
            Err(DatasetError::Missing { .. }) => {
                let objects = self.root.objects();
                return Ok(objects.map(|object| object.key.to_owned()).collect());
            }
            recorded => recorded?,
        };
        let mut keys: BTreeSet<String> = recorded.into_keys().collect();
        keys.insert(CHECKSUMS.to_owned());
        if self.root.attributes.card_sha256.is_some() {
            keys.insert(CARD.to_owned());
        }
        Ok(keys.into_iter().collect())
    }

    /// Returns the objects that are there, and how the `expected` ones were looked for.
    /// Shards that were not asked for are there, with the size that the table of sites
    /// gives.
    pub(crate) fn objects(
        &self,
        expected: &[String],
        shards: AskedShards,
    ) -> Result<(Vec<StoredObject>, Checked), DatasetError> {
        let Some(objects) = listed(self.store.as_ref())? else {
            return self.ask_for(expected, shards);
        };
        let checked = Checked {
            listed: true,
            objects: expected.len(),
            of: expected.len(),
        };
        Ok((objects, checked))
    }

    /// Asks for all small objects and some of the shards, with their overviews.
    fn ask_for(
        &self,
        expected: &[String],
        shards: AskedShards,
    ) -> Result<(Vec<StoredObject>, Checked), DatasetError> {
        let unit = |key: &str| self.root.unit_of(key);
        let keys = expected.iter().map(String::as_str);
        let (mut all, mut asked): (Vec<&str>, Vec<&str>) =
            keys.partition(|key| unit(key).is_some());
        all.sort_by_key(|key| unit(key));
        let units = self.root.geometry.shards();
        let mut others = Vec::new();
        for key in &all {
            let is_in_sample = |unit| is_in_sample(unit, units);
            match shards == AskedShards::All || unit(key).is_some_and(is_in_sample) {
                true => asked.push(key),
                false => others.push(*key),
            }
        }
        let sizes = self.store.sizes(&asked)?;
        let checked = Checked {
            listed: false,
            objects: asked.len(),
            of: expected.len(),
        };
        let stored = |key: &str, size| StoredObject {
            key: key.to_owned(),
            size,
        };
        let found = asked.into_iter().zip(sizes);
        let mut objects: Vec<StoredObject> = found
            .filter_map(|(key, size)| Some(stored(key, size?)))
            .collect();
        // Nothing records the sizes of overviews: those that are not asked for count with the
        // mean of the others.
        let overviews = objects.iter();
        let overviews = overviews.filter(|object| self.root.overview(&object.key).is_some());
        let (count, sum) = overviews.fold((0, 0), |(count, sum): (u64, u64), object| {
            (count + 1, sum.saturating_add(object.size))
        });
        let overview_bytes = sum.checked_div(count).unwrap_or(0);
        let has_sites = objects.iter().any(|object| object.key == SITES);
        for key in others {
            let size = match self.root.shard(key) {
                Some(shard) if has_sites => self.shard_bytes(shard)?,
                Some(_) => 0,
                None => overview_bytes,
            };
            objects.push(stored(key, size));
        }
        Ok((objects, checked))
    }
}

/// Whether one of `count` shards is asked for.
fn is_in_sample(position: usize, count: usize) -> bool {
    if count <= SAMPLE {
        return true;
    }
    // The position is floor(number * last / (SAMPLE - 1)) for some number.
    let last = count - 1;
    let number = (position * (SAMPLE - 1)).div_ceil(last);
    number * last / (SAMPLE - 1) == position
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sample_is_spread_from_the_first_to_the_last() {
        for count in [1, 2, 63, 64] {
            assert!((0..count).all(|position| is_in_sample(position, count)));
        }
        for count in [65, 66, 127, 128, 1962, 139_000] {
            let sample: Vec<usize> = (0..count)
                .filter(|&position| is_in_sample(position, count))
                .collect();
            assert_eq!(sample.len(), SAMPLE, "{count}");
            assert_eq!((sample[0], sample[SAMPLE - 1]), (0, count - 1));
            let widest = sample.windows(2).map(|pair| pair[1] - pair[0]).max();
            assert!(widest.unwrap() <= count.div_ceil(SAMPLE - 1), "{count}");
        }
    }
}
