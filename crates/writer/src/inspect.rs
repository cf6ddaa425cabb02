//! What can be learnt of the place of a dataset without changing anything.

use rxrx_format::{Description, Settings};
use rxrx_reader::{DatasetError, read_root};
use rxrx_storage::Location;
use serde::Serialize;

use crate::journal::Run;
use crate::output::{OutputError, OutputLocation, OutputState};

/// The place of a dataset cannot be inspected.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InspectError {
    /// There is no dataset that this program reads.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
    /// What lies beside the dataset cannot be read.
    #[error(transparent)]
    Output(#[from] OutputError),
}

/// How far an unfinished conversion is.
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
    /// What the conversion was told.
    pub settings: Settings,
    /// Process and host that are at it; `None` when it was cut off.
    pub running: Option<String>,
}

impl Unfinished {
    /// Looks for an unfinished conversion to `output`.
    ///
    /// # Errors
    /// What is beside OUTPUT cannot be read, or is damaged.
    pub fn at(output: &Location) -> Result<Option<Self>, OutputError> {
        let place = OutputLocation::new(output)?;
        let run = match place.state()? {
            OutputState::Unfinished(run) => run,
            OutputState::Damaged(error) => return Err(error.into()),
            _ => return Ok(None),
        };
        let Run {
            fingerprint,
            units,
            retried,
            ..
        } = *run;
        // The units that are not retried have no record in the journal.
        let staying = retried.map_or(0, |retried| units.saturating_sub(retried.len()));
        Ok(Some(Self {
            sealed: false,
            units_done: staying + place.journal().recorded()?,
            units,
            shape: fingerprint.shape,
            settings: fingerprint.settings,
            running: place.holder()?,
        }))
    }
}

/// What a dataset, finished or not, was made with.
#[derive(Clone, Debug)]
pub struct MadeWith {
    /// What the conversion was told.
    pub settings: Settings,
    /// Name, licence and citation.
    pub description: Description,
}

impl MadeWith {
    /// Reads it from `output`.
    ///
    /// # Errors
    /// There is no dataset and no unfinished one, or it is not readable.
    pub fn at(output: &Location) -> Result<Self, InspectError> {
        let place = OutputLocation::new(output)?;
        match place.state()? {
            OutputState::Unfinished(run) => {
                return Ok(Self {
                    settings: run.fingerprint.settings,
                    description: run.description,
                });
            }
            OutputState::Damaged(error) => return Err(OutputError::from(error).into()),
            _ => {}
        }
        let root = read_root(place.store(), &output.to_string())?;
        Ok(Self {
            settings: root.attributes.settings,
            description: root.attributes.description,
        })
    }
}
