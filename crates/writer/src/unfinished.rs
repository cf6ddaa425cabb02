//! What can be learnt of the place of a dataset without changing anything.

use serde::Serialize;

use crate::description::Description;
use crate::hierarchy::Settings;
use crate::info::{DatasetInfo, InfoError};
use crate::journal::Run;
use crate::location::Location;
use crate::target::{Place, State, TargetError};

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
    pub fn at(output: &Location) -> Result<Option<Self>, TargetError> {
        let place = Place::new(output)?;
        let run = match place.state()? {
            State::Unfinished(run) => run,
            State::Damaged(error) => return Err(error.into()),
            _ => return Ok(None),
        };
        let Run {
            fingerprint, units, ..
        } = *run;
        Ok(Some(Self {
            sealed: false,
            units_done: place.journal().recorded()?,
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
    pub fn at(output: &Location) -> Result<Self, InfoError> {
        let place = Place::new(output)?;
        match place.state()? {
            State::Unfinished(run) => {
                return Ok(Self {
                    settings: run.fingerprint.settings,
                    description: run.description,
                });
            }
            State::Damaged(error) => return Err(TargetError::from(error).into()),
            _ => {}
        }
        let info = DatasetInfo::read(place.store(), &output.to_string())?;
        Ok(Self {
            settings: info.attributes.settings,
            description: info.attributes.description,
        })
    }
}
