//! The records of all units of a run.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;

use super::entry::JournalError;
use super::record::{StoredUnit, UnitRecord};
use super::recorded::{RecordedError, RecordedUnits};
use super::run::Journal;

/// The records of all units of a run.
pub(crate) struct UnitRecords<'a> {
    pub(crate) journal: &'a Journal<'a>,
    /// The tables of the dataset, and the retried units, whose records are in the
    /// journal; `None` when all records are in the journal.
    pub(crate) tables: Option<(&'a RecordedUnits, &'a BTreeSet<usize>)>,
    /// The job to which records in the journal belong, by the SHA-256 of the head of its plan;
    /// `None` where there is none.
    pub(crate) job: Option<&'a str>,
    /// Threads that read records.
    pub(crate) jobs: NonZeroUsize,
}

impl UnitRecords<'_> {
    /// Reads the record of a unit.
    pub(crate) fn read_back<E>(&self, unit: &StoredUnit) -> Result<UnitRecord, E>
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
