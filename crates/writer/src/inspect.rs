//! Inspection of a dataset, finished or not, without a change.

use rxrx_format::{Description, Settings};
use rxrx_reader::{DatasetError, read_root};
use rxrx_storage::Location;
use serde::Serialize;

use crate::journal::{Run, format_difference};
use crate::output::{OutputError, OutputLocation, OutputState};

/// A dataset cannot be inspected.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InspectError {
    /// There is no dataset that this program reads.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
    /// The work folder beside the dataset cannot be read.
    #[error(transparent)]
    Output(#[from] OutputError),
}

/// The state of an unfinished conversion.
#[derive(Clone, Debug, Serialize)]
pub struct Unfinished {
    /// Always false: there is no root metadata yet.
    pub sealed: bool,
    /// Units (shards) that are stored and recorded.
    pub units_done: usize,
    /// Units in all.
    pub units: usize,
    /// Lengths of the axes of the image array.
    pub shape: Vec<u64>,
    /// The settings of the conversion.
    pub settings: Settings,
    /// Process and host that run the conversion, or a part of it; `None` when it was
    /// interrupted.
    pub running: Option<String>,
    /// The number of parts of a job; `None` for a conversion of one process.
    pub parts: Option<usize>,
}

impl Unfinished {
    /// Finds the unfinished conversion to `output`, if there is one.
    ///
    /// # Errors
    /// [`OutputError`] when the work folder beside OUTPUT cannot be read or is
    /// damaged.
    pub fn at(output: &Location) -> Result<Option<Self>, OutputError> {
        let place = OutputLocation::new(output)?;
        let run = match place.state()? {
            OutputState::Unfinished(run) => run,
            OutputState::Damaged(error) => return Err(*error),
            _ => return Ok(None),
        };
        let left = place
            .journal()
            .units_left(&run)
            .map_err(OutputError::from)?;
        let Run {
            fingerprint,
            units,
            job,
            ..
        } = *run;
        Ok(Some(Self {
            sealed: false,
            units_done: units.saturating_sub(left),
            units,
            shape: fingerprint.shape,
            settings: fingerprint.settings,
            running: place.holder()?,
            parts: job.map(|job| job.parts),
        }))
    }
}

/// What runs that have ended left at a complete dataset and beside it. [`clean`](crate::clean())
/// removes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct LeftOver {
    /// Objects or files.
    pub objects: usize,
    /// Their size in bytes.
    pub bytes: u64,
}

impl LeftOver {
    /// Counts what is left at the complete dataset at `output`, and beside it.
    ///
    /// # Errors
    /// [`OutputError`] when the work folder beside OUTPUT cannot be listed or read.
    pub fn at(output: &Location) -> Result<Self, OutputError> {
        let left = OutputLocation::new(output)?.leftovers()?;
        Ok(Self {
            objects: left.len(),
            bytes: left.iter().map(|object| object.size).sum(),
        })
    }
}

/// The settings and the description of a dataset, finished or not, that this version
/// of the program can continue.
#[derive(Clone, Debug)]
pub struct MadeWith {
    /// The settings of the conversion.
    pub settings: Settings,
    /// Name, licence, citation, channels and columns.
    pub description: Description,
}

impl MadeWith {
    /// Reads the settings and the description of the dataset at `output`.
    ///
    /// # Errors
    /// [`InspectError`] when there is no dataset, finished or not, it cannot be read,
    /// or it has another format than this version writes.
    pub fn at(output: &Location) -> Result<Self, InspectError> {
        let refuse_other_format = |sealed, format_version| match format_difference(format_version) {
            Some(difference) => Err(OutputError::Different {
                path: output.clone(),
                sealed,
                differences: vec![difference],
            }),
            None => Ok(()),
        };
        let place = OutputLocation::new(output)?;
        let run = match place.state()? {
            OutputState::Unfinished(run) => Some(*run),
            OutputState::Switching(next) => next.plan.run().cloned(),
            OutputState::Damaged(error) => return Err((*error).into()),
            _ => None,
        };
        if let Some(run) = run {
            refuse_other_format(false, run.fingerprint.format_version)?;
            return Ok(Self {
                settings: run.fingerprint.settings,
                description: run.description,
            });
        }
        let root = read_root(place.store(), &output.to_string())?;
        refuse_other_format(true, root.attributes.format_version)?;
        Ok(Self {
            settings: root.attributes.settings,
            description: root.attributes.description,
        })
    }
}
