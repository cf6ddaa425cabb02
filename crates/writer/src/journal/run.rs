//! The journal as objects of a store.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;

use serde::{Deserialize, Serialize};

use rxrx_format::Description;
use rxrx_metadata::Unit;
use rxrx_storage::{Store, StoreError, map_concurrent};

use super::block::{Block, MERGED};
use super::entry::{JournalError, encode, encode_entry, parse};
use super::fingerprint::Fingerprint;
use super::job_plan::{JOB_PLAN, JobReference};
use super::record::{StoredUnit, UnitRecord};

const UNITS: &str = "units/";
/// The folder of the failures.
pub(super) const FAILED: &str = "failed/";

/// Largest record of a unit that is read: that of a shard of 1.5 million planes.
pub(super) const RECORD_BYTES_AT_MOST: u64 = 1 << 30;

/// The description of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Run {
    /// The fingerprint of the dataset that it makes.
    pub(crate) fingerprint: Fingerprint,
    /// Name, licence, citation, channels and columns of the dataset.
    pub(crate) description: Description,
    /// Units in all.
    pub(crate) units: usize,
    /// Names of the label arrays.
    #[serde(default)]
    pub(crate) labels: Vec<String>,
    /// Shards that are converted once more, when the run continues a dataset that
    /// was complete. The journal has the records of these units only; those of the
    /// others are in the tables of the dataset. `None` for a run that began with
    /// nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) retried: Option<BTreeSet<usize>>,
    /// The stored plan of which workers convert parts; `None` for a run of one process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) job: Option<JobReference>,
}

/// The records that a journal holds.
#[derive(Debug)]
pub(crate) struct Records<T> {
    /// The values made of the intact records, by shard.
    pub(crate) whole: Vec<T>,
    /// Keys of the damaged records.
    pub(crate) damaged: Vec<String>,
}

/// The entries of a journal.
#[derive(Debug, Default)]
pub(crate) struct Entries {
    /// Shards of units that have a record of their own.
    singles: BTreeSet<usize>,
    blocks: BTreeSet<Block>,
    /// Keys of the failures.
    failures: Vec<String>,
}

impl Entries {
    /// Whether the records of a block are merged.
    pub(crate) fn has(&self, block: &Block) -> bool {
        self.blocks.contains(block)
    }

    /// The blocks, ascending.
    pub(super) fn into_blocks(self) -> Vec<Block> {
        self.blocks.into_iter().collect()
    }

    /// Shards of the units that have a record of their own, ascending.
    pub(crate) fn singles(&self) -> impl Iterator<Item = usize> + '_ {
        self.singles.iter().copied()
    }

    /// Keys of the failures.
    pub(crate) fn failures(&self) -> &[String] {
        &self.failures
    }
}

/// The shard of a record and what was made of it; the key of a damaged one.
type Taken<T> = Result<(usize, T), String>;

/// The journal in a store of its own.
pub(crate) struct Journal<'a> {
    store: &'a dyn Store,
}

impl<'a> Journal<'a> {
    pub(crate) fn new(store: &'a dyn Store) -> Self {
        Self { store }
    }

    pub(super) fn store(&self) -> &'a dyn Store {
        self.store
    }

    /// Writes the record of a unit. Its shard must be durable.
    pub(crate) fn record(&self, record: &UnitRecord) -> Result<(), JournalError> {
        let key = unit_key(record.unit.shard);
        let entry = encode_entry(&key, record)?;
        Ok(self.store.put(&key, &[&entry])?)
    }

    /// Returns what `take` makes of each record, ordered by shard. `jobs` threads
    /// read the records, each of which has one record in memory.
    pub(crate) fn each<T: Send, E: From<StoreError> + Send>(
        &self,
        jobs: NonZeroUsize,
        take: impl Fn(UnitRecord) -> Result<T, E> + Sync,
    ) -> Result<Records<T>, E> {
        let objects = self.store.list()?;
        let keys = objects.into_iter().map(|object| object.key);
        let keys: Vec<String> = keys.filter(|key| key.starts_with(UNITS)).collect();
        self.each_at(&keys, jobs, take)
    }

    /// Returns what `take` makes of the records of these units, as [`Self::each`] does of all.
    /// Units without a record are left out.
    pub(crate) fn each_of<T: Send, E: From<StoreError> + Send>(
        &self,
        units: &[Unit],
        jobs: NonZeroUsize,
        take: impl Fn(UnitRecord) -> Result<T, E> + Sync,
    ) -> Result<Records<T>, E> {
        let shards: Vec<usize> = units.iter().map(|unit| unit.shard).collect();
        self.each_listed(&shards, jobs, take)
    }

    /// Returns what `take` makes of the records of these shards, as [`Self::each`] does of all.
    pub(crate) fn each_listed<T: Send, E: From<StoreError> + Send>(
        &self,
        shards: &[usize],
        jobs: NonZeroUsize,
        take: impl Fn(UnitRecord) -> Result<T, E> + Sync,
    ) -> Result<Records<T>, E> {
        let keys: Vec<String> = shards.iter().map(|shard| unit_key(*shard)).collect();
        self.each_at(&keys, jobs, take)
    }

    /// Lists the entries.
    pub(crate) fn entries(&self) -> Result<Entries, StoreError> {
        let mut entries = Entries::default();
        for object in self.store.list()? {
            if let Some(shard) = shard_of(&object.key) {
                entries.singles.insert(shard);
            } else if let Some(block) = Block::of_list(&object.key) {
                entries.blocks.insert(block);
            } else if object.key.starts_with(FAILED) {
                entries.failures.push(object.key);
            }
        }
        Ok(entries)
    }

    fn each_at<T: Send, E: From<StoreError> + Send>(
        &self,
        keys: &[String],
        jobs: NonZeroUsize,
        take: impl Fn(UnitRecord) -> Result<T, E> + Sync,
    ) -> Result<Records<T>, E> {
        let read = |key: &String| -> Result<Option<Taken<T>>, E> {
            // A record under a wrong key does not count.
            let record = self.store.get_at_most(key, RECORD_BYTES_AT_MOST)?;
            let Some(record) = record else {
                return Ok(None);
            };
            match UnitRecord::from_entry(&record) {
                Ok(record) if unit_key(record.unit.shard) == *key => {
                    Ok(Some(Ok((record.unit.shard, take(record)?))))
                }
                _ => Ok(Some(Err(key.clone()))),
            }
        };
        let read = map_concurrent(keys, jobs, read)?;
        let mut whole = Vec::new();
        let mut damaged = Vec::new();
        for record in read.into_iter().flatten() {
            match record {
                Ok(taken) => whole.push(taken),
                Err(key) => damaged.push(key),
            }
        }
        whole.sort_by_key(|(shard, _)| *shard);
        Ok(Records {
            whole: whole.into_iter().map(|(_, taken)| taken).collect(),
            damaged,
        })
    }

    /// Returns all records.
    #[cfg(test)]
    pub(crate) fn records(&self) -> Result<Records<UnitRecord>, StoreError> {
        self.each(NonZeroUsize::MIN, Ok)
    }

    /// Reads the record of a unit that this run has stored or found.
    ///
    /// # Errors
    /// [`JournalError::Lost`] when it is not there, or is that of another shard.
    pub(crate) fn read_back(&self, stored: &StoredUnit) -> Result<UnitRecord, JournalError> {
        let shard = stored.unit.shard;
        let object = unit_key(shard);
        let record = match self.store.get_at_most(&object, RECORD_BYTES_AT_MOST)? {
            None => Err("it is gone".to_owned()),
            Some(bytes) => UnitRecord::from_entry(&bytes),
        };
        let record = record.and_then(|record| {
            if StoredUnit::from(&record) == *stored {
                Ok(record)
            } else {
                Err("it is another one than was written".to_owned())
            }
        });
        let reason = match record {
            Ok(record) => return Ok(record),
            Err(reason) => reason,
        };
        // A worker may have merged it meanwhile.
        let blocks = self.blocks()?;
        if let Some(block) = blocks.iter().find(|block| block.shards().contains(&shard)) {
            let mut merged = self.block_records(block)?.into_iter();
            if let Some(record) = merged.find(|record| StoredUnit::from(record) == *stored) {
                return Ok(record);
            }
        }
        Err(JournalError::Lost { object, reason })
    }

    /// Counts the recorded units, without reading their records.
    pub(crate) fn recorded(&self) -> Result<usize, StoreError> {
        let Entries {
            singles: mut shards,
            blocks,
            ..
        } = self.entries()?;
        shards.extend(blocks.iter().flat_map(Block::shards));
        Ok(shards.len())
    }

    /// Returns the number of units of `run` that have no record.
    pub(crate) fn units_left(&self, run: &Run) -> Result<usize, StoreError> {
        // The units that are not retried have no record in the journal.
        let retried = run.retried.as_ref();
        let units = retried.map_or(run.units, BTreeSet::len);
        Ok(units.saturating_sub(self.recorded()?))
    }

    /// Makes durable what a process that was killed has put or removed.
    pub(crate) fn flush(&self) -> Result<(), StoreError> {
        self.store.flush_name(&unit_key(0))?;
        self.store.flush_name(MERGED)
    }
}

impl UnitRecord {
    /// Encodes the record for the journal: a line of JSON, and a line with the
    /// CRC-32C of the first in hexadecimal digits.
    ///
    /// # Errors
    /// A defect of the program.
    pub fn to_entry(&self) -> Result<Vec<u8>, serde_json::Error> {
        encode(self)
    }

    /// Decodes a record of [`Self::to_entry`].
    ///
    /// # Errors
    /// The problem of an entry that is damaged.
    pub fn from_entry(entry: &[u8]) -> Result<Self, String> {
        parse(entry)
    }
}

/// The shard whose record has that key, if it is one.
fn shard_of(key: &str) -> Option<usize> {
    let name = key.strip_prefix(UNITS)?;
    name.strip_suffix(".json")?.parse().ok()
}

pub(super) fn unit_key(shard: usize) -> String {
    format!("{UNITS}{shard}.json")
}

/// Returns whether a journal has an entry of that name at the top of its folder.
pub(crate) fn is_entry(name: &str) -> bool {
    [UNITS, JOB_PLAN, MERGED, FAILED].contains(&format!("{name}/").as_str())
}

#[cfg(test)]
mod tests;
