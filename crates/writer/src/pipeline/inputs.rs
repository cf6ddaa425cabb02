//! What the pipeline is given.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use rxrx_format::{GroupEncoder, OverviewEncoder, channel_chunks};
use rxrx_input::Source;
use rxrx_metadata::{Plan, Unit};

use super::capacity::Capacity;
use crate::events::Observer;
use crate::journal::{Journal, StoredUnit};
use crate::output::ChecksummedStore;

/// Everything that the units of one conversion share. `Pipeline::run`, in `run.rs`,
/// runs them.
pub(crate) struct Pipeline<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) source: &'a dyn Source,
    pub(crate) encoder: &'a GroupEncoder,
    pub(crate) overviews: &'a OverviewEncoder,
    pub(crate) output: &'a ChecksummedStore<'a>,
    pub(crate) journal: &'a Journal<'a>,
    /// The job of which this is a part, by the SHA-256 of the head of its plan.
    pub(crate) job: Option<&'a str>,
    /// The units as they were stored before, by shard, where their good planes must
    /// stay as they are.
    pub(crate) former: &'a BTreeMap<usize, StoredUnit>,
    pub(crate) observer: &'a dyn Observer,
    /// Numbers of threads, and of chunks under way.
    pub(crate) capacity: Capacity,
    /// Stop at the first image that cannot be used, having stored the units before it.
    pub(crate) strict: bool,
    /// Once true, no further unit begins.
    pub(crate) stop: &'a AtomicBool,
    /// How long the units that have begun may go on after that. What is left of them is
    /// dropped.
    pub(crate) grace: Duration,
}

impl Pipeline<'_> {
    /// Groups of chunks of a full unit that lie inside the array.
    pub(super) fn groups_per_unit(&self) -> usize {
        let geometry = self.plan.geometry();
        (geometry.shard_sites / geometry.chunk_sites) * channel_chunks(geometry)
    }

    /// Groups of chunks of `unit`. Only the last unit of the array can have fewer than others.
    pub(super) fn groups_of(&self, unit: &Unit) -> usize {
        let geometry = self.plan.geometry();
        unit.sites.len().div_ceil(geometry.chunk_sites) * channel_chunks(geometry)
    }
}
