//! Room on the file system of OUTPUT: how much a run needs, and whether it is there.

use std::error::Error;
use std::io;

use rxrx_estimate::{Projection, file_count};
use rxrx_format::Codec;
use rxrx_input::PlannedInput;
use rxrx_storage::{FreeSpace, Location, causes};
use rxrx_verify::size_text;
use serde::Serialize;

use crate::output::{Existing, OutputError, OutputLocation, OutputState};

/// Bytes of a plane in the tables, without its pixels.
const TABLE_BYTES: u64 = 96;
/// Bytes of a plane in the journal, which stays until the dataset is sealed.
const RECORD_BYTES: u64 = 400;
/// Bytes that an inode takes, and those that are lost in the last block of a file.
const BLOCK: u64 = 4096;
/// Room for bytes and files on a file system.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Space {
    /// Bytes.
    pub bytes: u64,
    /// Files and folders: each takes an inode.
    pub files: u64,
}

/// Work that is left of a conversion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct WorkLeft {
    /// Units (shards) to store.
    pub(crate) units: usize,
    /// Sites of these units.
    pub(crate) sites: usize,
}

/// A run does not fit on the file system of OUTPUT.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "output {output} does not fit: about {} and {} files are needed, and its file system has {} \
     {}: make room, choose another output, or try all the same with --ignore-space",
    size_text(.needed.bytes),
    .needed.files,
    size_text(.free.bytes),
    match .free.files {
        Some(files) => format!("and {files} files (inodes) free"),
        None => "free".to_owned(),
    }
)]
pub struct DoesNotFit {
    /// OUTPUT.
    pub output: Location,
    /// Room that the run needs, estimated.
    pub needed: Space,
    /// Room that is there.
    pub free: FreeSpace,
}

/// The room for a conversion to one OUTPUT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutputSpace {
    /// Room that the conversion needs, estimated. What an unfinished run at OUTPUT has
    /// stored is not counted.
    pub needed: Space,
    /// Room that is there; `None` where it is unknown or has no limit.
    pub free: Option<FreeSpace>,
}

impl OutputSpace {
    /// Returns the room for the conversion of `planned` to `output`.
    ///
    /// # Errors
    /// [`OutputError`] when `convert` would refuse OUTPUT, or it cannot be read.
    pub fn at(
        planned: &PlannedInput,
        projection: &Projection,
        output: &Location,
    ) -> Result<Self, OutputError> {
        let place = OutputLocation::new(output)?;
        for input in &planned.inputs {
            place.refuse_overlap(input)?;
        }
        place.refuse_nested()?;
        let state = place.state()?;
        let left = match &state {
            OutputState::Sealed(_) => None,
            OutputState::Unfinished(run) => {
                let units = place.journal().units_left(run)?;
                Some(WorkLeft::of_units(planned, units))
            }
            _ => Some(WorkLeft::all(planned)),
        };
        state.transition(Existing::Continue, output)?;
        Ok(Self {
            needed: left.map_or_else(Space::default, |left| Space::of(planned, projection, left)),
            free: place.free_space(),
        })
    }

    /// Returns whether the conversion fits.
    pub fn fits(&self) -> bool {
        self.free.is_none_or(|free| self.needed.fits(free))
    }
}

impl WorkLeft {
    /// Returns the work of a conversion of which nothing is done.
    pub(crate) fn all(planned: &PlannedInput) -> Self {
        Self {
            units: planned.plan.geometry().shards(),
            sites: planned.plan.geometry().sites,
        }
    }

    /// Returns the work of so many units.
    pub(crate) fn of_units(planned: &PlannedInput, units: usize) -> Self {
        let geometry = planned.plan.geometry();
        let sites = units.saturating_mul(geometry.shard_sites);
        Self {
            units,
            sites: sites.min(geometry.sites),
        }
    }
}

impl Space {
    /// Returns the room that the rest of a conversion needs: the shards and
    /// overviews of `left` with their records, all labels and all tables.
    pub(crate) fn of(planned: &PlannedInput, projection: &Projection, left: WorkLeft) -> Self {
        let geometry = planned.plan.geometry();
        let shards = (projection.stored_bytes + projection.overview_bytes) as f64;
        let shards = shards * left.sites as f64 / geometry.sites as f64;
        let planes = |sites: usize| sites.saturating_mul(geometry.channels) as u64;
        let embeddings = planned.embeddings.as_ref();
        let embeddings = embeddings.map_or(0, |table| table.length() * geometry.sites * 4);
        let files = file_count(planned, left.units as u64);
        let bytes = shards as u64
            + planes(geometry.sites) * TABLE_BYTES
            + planes(left.sites) * RECORD_BYTES
            + embeddings as u64
            + files * BLOCK;
        Self { bytes, files }
    }

    /// Returns whether `free` has this room.
    pub(crate) fn fits(&self, free: FreeSpace) -> bool {
        self.bytes <= free.bytes && free.files.is_none_or(|files| self.files <= files)
    }
}

/// Demands room for the work that is left at OUTPUT, beside what is there: a dataset that is
/// replaced stays until the new one is complete. Images are encoded to estimate it only
/// where there is no room for the largest dataset that can result.
pub(crate) fn demand_space(
    output: &OutputLocation,
    planned: &PlannedInput,
    codec: Codec,
    left: WorkLeft,
) -> Result<(), DoesNotFit> {
    let Some(free) = output.free_space() else {
        return Ok(());
    };
    if Space::of(planned, &Projection::largest(planned, codec), left).fits(free) {
        return Ok(());
    }
    let needed = Space::of(planned, &Projection::of_codec(planned, codec), left);
    if needed.fits(free) {
        return Ok(());
    }
    Err(DoesNotFit {
        output: output.output().clone(),
        needed,
        free,
    })
}

/// Returns what `needed` has more than `free`. If an estimate was too low, `needed` may
/// seem to fit on a file system that was full: then all of it is told.
pub(crate) fn lacking(needed: Space, free: Option<FreeSpace>) -> Space {
    let free_bytes = free.map_or(0, |free| free.bytes);
    let free_files = free.and_then(|free| free.files).unwrap_or(u64::MAX);
    Space {
        bytes: match needed.bytes.saturating_sub(free_bytes) {
            0 => needed.bytes,
            more => more,
        },
        files: needed.files.saturating_sub(free_files),
    }
}

/// Returns whether an error says that a file system, or the quota of the user, is full.
pub(crate) fn is_full(error: &(dyn Error + 'static)) -> bool {
    let mut errors = causes(error).filter_map(|cause| cause.downcast_ref::<io::Error>());
    errors.any(|error| {
        matches!(
            error.kind(),
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
        )
    })
}

#[cfg(test)]
mod tests;
