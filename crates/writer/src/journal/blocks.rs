//! Records of several units in one object, so that whoever asks how far a job is, or seals it,
//! reads thousands of objects and not one for each unit.
//!
//! A worker that ends its part merges the records of its units, block by block:
//!
//! | key | content |
//! |---|---|
//! | `merged/FIRST-END.json.zst` | the records of the units FIRST to END - 1, packed |
//! | `merged/FIRST-END.json` | what status and seal need of each, without its planes |
//!
//! The records are put first, then their list, and then the records of single units that are in
//! the block are removed. A part may run twice at once: what one worker merges, the other one may
//! be storing anew. So both the block and the record of the single unit count, and the one that
//! describes the shard that is there is taken. A single record is removed only if it is the one
//! that was merged. Between that look and the removal another worker can replace it; then the
//! block may describe a shard that is no longer there. If the shard has other bytes, the unit is
//! converted once more, and nothing wrong is sealed.

use std::collections::BTreeMap;
use std::io::Read;
use std::num::NonZeroUsize;

use rxrx_storage::{StoreError, Version, map_concurrent};
use serde::{Deserialize, Serialize};

use super::block::Block;
use super::entry::{JournalError, encode_entry, parse};
use super::record::{OtherVersions, RecordedObject, StoredUnit, UnitRecord};
use super::run::{Journal, RECORD_BYTES_AT_MOST, unit_key};

/// Level of Zstandard.
const LEVEL: i32 = 3;
/// Largest list of a block that is read.
const LIST_BYTES_AT_MOST: u64 = 1 << 26;

/// A unit of a block, without its planes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ListedUnit {
    /// The unit.
    pub(crate) stored: StoredUnit,
    /// The version of its shard, as in its record.
    pub(crate) version: Option<String>,
    /// The version of the object with its overviews.
    pub(crate) overview_version: Option<String>,
    /// When it was stored, in seconds since 1970.
    pub(crate) stored_at: Option<u64>,
}

impl ListedUnit {
    /// Returns the objects of the unit, each with its version, where the store told it.
    pub(crate) fn objects(&self) -> [(RecordedObject, Option<&str>); 2] {
        let [shard, overview] = self.stored.objects();
        [
            (shard, self.version.as_deref()),
            (overview, self.overview_version.as_deref()),
        ]
    }
}

impl From<&UnitRecord> for ListedUnit {
    fn from(record: &UnitRecord) -> Self {
        Self {
            stored: record.into(),
            version: record.version.clone(),
            overview_version: record.overview.version.clone(),
            stored_at: record.stored_at,
        }
    }
}

/// The list of a block.
#[derive(Debug, Serialize, Deserialize)]
struct BlockList {
    /// The job whose worker merged it, by the SHA-256 of the head of its plan.
    job: String,
    units: Vec<ListedUnit>,
}

/// What a worker finds when it merges the records of a block.
enum Found {
    /// The records are merged already.
    Merged(Vec<UnitRecord>),
    /// These records are to be merged, of which those units have single records of that version.
    ToMerge(Vec<UnitRecord>, Vec<Single>),
    /// Another worker stores the units at this moment.
    Changing,
}

/// The record of one unit, as it was read.
struct Single {
    key: String,
    record: UnitRecord,
    version: Version,
}

impl Journal<'_> {
    /// Returns the units of a block, if a worker of that job has merged their records.
    pub(crate) fn block_units(
        &self,
        block: &Block,
        job: &str,
    ) -> Result<Option<Vec<ListedUnit>>, StoreError> {
        let list = self
            .store()
            .get_at_most(&block.list_key(), LIST_BYTES_AT_MOST)?;
        // One that is damaged is none: the records of its units are looked for one by one.
        let list = list.and_then(|list| parse::<BlockList>(&list).ok());
        Ok(list.filter(|list| list.job == job).map(|list| list.units))
    }

    /// Returns the records of a block; none if there is no such block, or its records are damaged.
    pub(crate) fn block_records(&self, block: &Block) -> Result<Vec<UnitRecord>, StoreError> {
        let packed = self
            .store()
            .get_at_most(&block.records_key(), RECORD_BYTES_AT_MOST)?;
        let records = packed.and_then(|packed| {
            let mut entry = Vec::new();
            let unpacked = zstd::Decoder::new(packed.as_slice()).ok()?;
            unpacked
                .take(RECORD_BYTES_AT_MOST)
                .read_to_end(&mut entry)
                .ok()?;
            let records: Vec<UnitRecord> = parse(&entry).ok()?;
            let is_of = |record: &UnitRecord| block.shards().contains(&record.unit.shard);
            records.iter().all(is_of).then_some(records)
        });
        Ok(records.unwrap_or_default())
    }

    /// Merges the records of a block, whose units are stored as `done` says, and removes those of
    /// the single units. `versions` are those of objects that the worker has compared with their
    /// record by their bytes. Returns the records, unless another worker stores one of the units at this
    /// moment: then the records stay as they are.
    pub(crate) fn merge(
        &self,
        block: &Block,
        done: &[StoredUnit],
        versions: &BTreeMap<usize, OtherVersions>,
        job: &str,
    ) -> Result<Vec<UnitRecord>, JournalError> {
        let (records, singles) = match self.to_merge(block, done, versions)? {
            Found::Merged(records) => return Ok(records),
            Found::ToMerge(records, singles) => (records, singles),
            Found::Changing => return Ok(Vec::new()),
        };
        self.put_block(block, &records, job)?;
        let mut merged = Vec::new();
        for single in singles {
            if self.store().version(&single.key)? == Some(single.version) {
                merged.push(single.key);
            }
        }
        self.store().remove_all(&merged)?;
        Ok(records)
    }

    /// Puts the records of a block, and then their list.
    pub(crate) fn put_block(
        &self,
        block: &Block,
        records: &[UnitRecord],
        job: &str,
    ) -> Result<(), JournalError> {
        let (key, list_key) = (block.records_key(), block.list_key());
        let entry = encode_entry(&key, &records)?;
        let packed = zstd::bulk::compress(&entry, LEVEL);
        let packed = packed.map_err(|error| StoreError::from_io("pack", key.as_str(), error))?;
        self.store().put(&key, &[&packed])?;
        let list = BlockList {
            job: job.to_owned(),
            units: records.iter().map(ListedUnit::from).collect(),
        };
        let list = encode_entry(&list_key, &list)?;
        Ok(self.store().put(&list_key, &[&list])?)
    }

    /// Looks for the records of a block whose units are stored as `done` says.
    fn to_merge(
        &self,
        block: &Block,
        done: &[StoredUnit],
        versions: &BTreeMap<usize, OtherVersions>,
    ) -> Result<Found, JournalError> {
        let before = self.block_records(block)?;
        let singles = map_concurrent(done, READS_AT_ONCE, |unit| self.single(unit.unit.shard))?;
        let mut records = Vec::with_capacity(done.len());
        let mut used = Vec::new();
        for (unit, single) in done.iter().zip(singles) {
            let is_of = |record: &&UnitRecord| StoredUnit::from(*record) == *unit;
            if let Some(single) = single.filter(|single| is_of(&&single.record)) {
                records.push(single.record.clone());
                used.push(single);
            } else if let Some(record) = before.iter().find(is_of) {
                records.push(record.clone());
            } else {
                return Ok(Found::Changing);
            }
        }
        for record in &mut records {
            let Some(other) = versions.get(&record.unit.shard) else {
                continue;
            };
            let tag = |version: &Option<Version>| Some(version.as_ref()?.tag()?.to_owned());
            record.version = tag(&other.shard).or(record.version.take());
            let overview = &mut record.overview.version;
            *overview = tag(&other.overview).or(overview.take());
        }
        let is_whole = done.len() == block.shards().len();
        Ok(match used.is_empty() && before == records {
            _ if !is_whole => Found::Changing,
            true => Found::Merged(records),
            false => Found::ToMerge(records, used),
        })
    }

    /// Reads the record of a single unit, if there is one that is whole.
    fn single(&self, shard: usize) -> Result<Option<Single>, StoreError> {
        let key = unit_key(shard);
        let found = self.store().get_version(&key, RECORD_BYTES_AT_MOST)?;
        Ok(found.and_then(|(bytes, version)| {
            let record = UnitRecord::from_entry(&bytes).ok()?;
            Some(Single {
                key,
                record,
                version,
            })
        }))
    }

    /// Returns the blocks that are there, ascending.
    pub(crate) fn blocks(&self) -> Result<Vec<Block>, StoreError> {
        Ok(self.entries()?.into_blocks())
    }
}

/// Records of single units that are read at once.
const READS_AT_ONCE: NonZeroUsize = NonZeroUsize::new(8).unwrap();

#[cfg(test)]
mod tests;
