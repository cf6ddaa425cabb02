//! The records of all units of a run.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;

use rxrx_storage::map_concurrent;

use super::block::Block;
use super::entry::JournalError;
use super::record::{StoredUnit, UnitRecord};
use super::recorded::{RecordedError, RecordedUnits};
use super::run::Journal;

/// Sites whose records are in memory at once, a kilobyte each, unless a single
/// unit has more. With so many, several records of a journal that answers slowly
/// are read at once.
const SITES_AT_ONCE: usize = 1024;

/// The records of all units of a run.
pub(crate) struct UnitRecords<'a> {
    pub(crate) journal: &'a Journal<'a>,
    /// The tables of the dataset, and the retried units, whose records are in the
    /// journal; `None` when all records are in the journal.
    pub(crate) tables: Option<(&'a RecordedUnits, &'a BTreeSet<usize>)>,
    /// The job to which records in the journal belong, by the SHA-256 of the head of its plan;
    /// `None` where there is none.
    pub(crate) job: Option<&'a str>,
    /// The blocks in which records are, ascending.
    pub(crate) blocks: &'a [Block],
    /// Threads that read records.
    pub(crate) jobs: NonZeroUsize,
}

/// Units whose records are read by one thread.
enum Read<'a> {
    Single(&'a StoredUnit),
    OfBlock(&'a Block, &'a [StoredUnit]),
}

impl UnitRecords<'_> {
    /// Reads the records of `units`, which ascend, and passes each on in their order. Some of
    /// them are in memory at a time.
    pub(crate) fn for_each<E>(
        &self,
        units: &[StoredUnit],
        mut take: impl FnMut(UnitRecord) -> Result<(), E>,
    ) -> Result<(), E>
    where
        E: From<JournalError> + From<RecordedError> + Send,
    {
        let mut left = units;
        while !left.is_empty() {
            let mut reads = Vec::new();
            let mut sites = 0;
            // A block has as many sites as are read at once, and each thread reads one.
            while sites < SITES_AT_ONCE * self.jobs.get() {
                let Some(first) = left.first() else {
                    break;
                };
                let read = match self.block_of(first.unit.shard) {
                    Some(block) => {
                        let is_of = |unit: &StoredUnit| unit.unit.shard < block.shards().end;
                        let (of_block, rest) = left.split_at(left.partition_point(is_of));
                        left = rest;
                        sites += of_block
                            .iter()
                            .map(|unit| unit.unit.sites.len())
                            .sum::<usize>();
                        Read::OfBlock(block, of_block)
                    }
                    None if sites >= SITES_AT_ONCE => break,
                    None => {
                        left = left.get(1..).unwrap_or_default();
                        sites += first.unit.sites.len();
                        Read::Single(first)
                    }
                };
                reads.push(read);
            }
            let records = map_concurrent(&reads, self.jobs, |read| self.read::<E>(read))?;
            records.into_iter().flatten().try_for_each(&mut take)?;
        }
        Ok(())
    }

    fn read<E>(&self, read: &Read<'_>) -> Result<Vec<UnitRecord>, E>
    where
        E: From<JournalError> + From<RecordedError>,
    {
        let (block, units) = match read {
            Read::Single(unit) => return Ok(vec![self.read_back::<E>(unit)?]),
            Read::OfBlock(block, units) => (block, units),
        };
        let mut merged = self
            .journal
            .block_records(block)
            .map_err(JournalError::from)?;
        let of_unit = |unit: &StoredUnit| {
            let is_of = |record: &UnitRecord| StoredUnit::from(record) == *unit;
            match merged.iter().position(is_of) {
                Some(position) => Ok(merged.swap_remove(position)),
                // Another worker has stored the unit after its record was merged.
                None => self.read_back::<E>(unit),
            }
        };
        units.iter().map(of_unit).collect()
    }

    /// The block in which the record of a unit may be.
    fn block_of(&self, shard: usize) -> Option<&Block> {
        let after = self
            .blocks
            .partition_point(|block| block.shards().start <= shard);
        let block = self.blocks.get(after.checked_sub(1)?)?;
        block.shards().contains(&shard).then_some(block)
    }

    /// Reads the record of a unit that is in no block.
    fn read_back<E>(&self, unit: &StoredUnit) -> Result<UnitRecord, E>
    where
        E: From<JournalError> + From<RecordedError>,
    {
        match self.tables {
            Some((tables, retried)) if !retried.contains(&unit.unit.shard) => {
                Ok(tables.read_back(unit)?)
            }
            _ => Ok(self.journal.read_back(unit)?),
        }
    }
}
