//! Where a seal finds the records of the units.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;

use super::error::SealError;
use crate::journal::{Journal, RecordedUnits, StoredUnit, UnitRecord};

/// The records of all units of a run.
pub(crate) struct Records<'a> {
    pub(crate) journal: &'a Journal<'a>,
    /// The tables of the dataset and the retried units, whose records are in the
    /// journal; `None` when all records are in the journal.
    pub(crate) tables: Option<(&'a RecordedUnits, &'a BTreeSet<usize>)>,
    /// Threads that read and parse records.
    pub(crate) jobs: NonZeroUsize,
}

impl Records<'_> {
    /// Reads the record of a unit.
    pub(super) fn read_back(&self, unit: &StoredUnit) -> Result<UnitRecord, SealError> {
        match self.tables {
            Some((tables, retried)) if !retried.contains(&unit.unit.shard) => {
                Ok(tables.read_back(unit)?)
            }
            _ => Ok(self.journal.read_back(unit)?),
        }
    }
}
