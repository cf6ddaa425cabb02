//! The units of a run: done and to be done.

use std::collections::{BTreeMap, BTreeSet};

use rxrx_metadata::{Plan, Unit};
use rxrx_storage::{Location, Store};

use super::error::ConvertError;
use crate::journal::{StoredUnit, damaged_object};
use crate::space::WorkLeft;

/// The units of a run.
#[derive(Debug, Default)]
pub(super) struct Work {
    /// The units that are done, ascending.
    pub(super) done: Vec<StoredUnit>,
    /// The units to be done, ascending.
    pub(super) todo: Vec<Unit>,
    /// Units to be done, by shard, as they were before, where their good planes
    /// must stay as they are.
    pub(super) former: BTreeMap<usize, StoredUnit>,
}

impl Work {
    /// Returns the work of a run of which nothing is done.
    pub(super) fn all(plan: &Plan) -> Self {
        Self {
            todo: plan.units().collect(),
            ..Self::default()
        }
    }

    /// Moves the units that have bad planes from those that are done to those to
    /// be done. Their shards and overviews, in `store`, must be intact.
    pub(super) fn retry_bad(
        mut self,
        store: &dyn Store,
        output: &Location,
    ) -> Result<Self, ConvertError> {
        let is_complete = |unit: &StoredUnit| unit.planes.is_complete();
        let (done, bad): (Vec<_>, Vec<_>) = self.done.into_iter().partition(is_complete);
        self.done = done;
        for unit in bad {
            if let Some(key) = damaged_object(store, &unit)? {
                return Err(ConvertError::DamagedShard {
                    output: output.clone(),
                    key,
                });
            }
            self.todo.push(unit.unit.clone());
            self.former.insert(unit.unit.shard, unit);
        }
        self.todo.sort_by_key(|unit| unit.shard);
        Ok(self)
    }

    /// Moves units that are done from those to be done.
    pub(super) fn without(mut self, done: Vec<StoredUnit>) -> Self {
        let shards: BTreeSet<usize> = done.iter().map(|unit| unit.unit.shard).collect();
        self.todo.retain(|unit| !shards.contains(&unit.shard));
        self.former.retain(|shard, _| !shards.contains(shard));
        self.done.extend(done);
        self.done.sort_by_key(|unit| unit.unit.shard);
        self
    }

    /// Returns the work that is left.
    pub(super) fn left(&self) -> WorkLeft {
        WorkLeft {
            units: self.todo.len(),
            sites: self.todo.iter().map(|unit| unit.sites.len()).sum(),
        }
    }

    /// Returns how many sites the units that are done have.
    pub(super) fn sites_done(&self) -> usize {
        self.done.iter().map(|unit| unit.unit.sites.len()).sum()
    }
}
