//! INPUT as a stored plan names it, opened again without a list where that is possible.

use std::ffi::OsStr;
use std::path::absolute;
use std::sync::Arc;

use rxrx_metadata::NameOptions;
use rxrx_storage::{Location, StoreOption};
use serde::{Deserialize, Serialize};

use crate::assembled::assembled;
use crate::error::PlanInputError;
use crate::folder::FolderSource;
use crate::open::Input;
use crate::planned::PlannedInput;
use crate::source::Source;

/// How the images of a plan are found again, by another process or on another machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredInput {
    /// Paths and addresses. One with a query, which may be a credential,
    /// and one that is no UTF-8, is not stored.
    locations: Vec<Option<String>>,
    /// Whether INPUT is one folder of a disk whose images are files. Then nothing is listed.
    is_folder: bool,
    /// Whether a plane is a page of a file, or made of several files.
    has_parts: bool,
    /// How the images are named.
    names: NameOptions,
}

impl StoredInput {
    /// Describes the input of a plan.
    pub fn of(planned: &PlannedInput) -> Self {
        let locations = planned.inputs.iter().map(|location| match location {
            Location::Local(path) => {
                let path = absolute(path).unwrap_or_else(|_| path.clone());
                path.to_str().map(str::to_owned)
            }
            Location::Remote(address) if address.has_query() => None,
            Location::Remote(address) => Some(address.to_string()),
        });
        Self {
            locations: locations.collect(),
            is_folder: planned.is_folder(),
            has_parts: planned.has_parts(),
            names: planned.options.names.clone(),
        }
    }

    /// Returns where the input is, with `options` for its stores.
    ///
    /// # Errors
    /// [`PlanInputError::NotStored`] for one that is not stored.
    pub fn locations(&self, options: &Arc<[StoreOption]>) -> Result<Vec<Location>, PlanInputError> {
        let parse = |location: &Option<String>| {
            let text = location.as_deref().ok_or(PlanInputError::NotStored)?;
            Location::parse(OsStr::new(text), options).map_err(PlanInputError::Location)
        };
        self.locations.iter().map(parse).collect()
    }

    /// Opens the images at `locations`, which are those of [`Self::locations`] or other
    /// names of the same files. A folder of files is not listed; of an archive, and of a
    /// bucket, the list is read again.
    ///
    /// # Errors
    /// [`PlanInputError`].
    pub fn open(&self, locations: &[Location]) -> Result<Box<dyn Source>, PlanInputError> {
        if self.is_folder
            && let [Location::Local(folder)] = locations
            && folder.is_dir()
        {
            return Ok(Box::new(FolderSource::new(folder)));
        }
        let (opened, listing) = Input::open(locations)?;
        if !self.has_parts {
            return Ok(opened.source);
        }
        let listing = listing.named(&self.names, &opened.experiment())?;
        Ok(assembled(opened.source, listing.parts))
    }
}
