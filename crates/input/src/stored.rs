//! INPUT as a stored plan names it, opened again without a list where that is possible.

mod images;

use std::ffi::OsStr;
use std::path::absolute;
use std::sync::Arc;

use rxrx_storage::{Location, Remote, StoreOption};
use serde::{Deserialize, Serialize};

pub use self::images::StoredImages;
use self::images::files;
use crate::assembled::assembled;
use crate::bucket::BucketSource;
use crate::error::PlanInputError;
use crate::folder::FolderSource;
use crate::open::Input;
use crate::planned::PlannedInput;
use crate::source::Source;
use crate::tar::source::TarSource;

/// How the images of a plan are found again, by another process or on another machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredInput {
    /// Paths and addresses. One with a query, which may be a credential,
    /// and one that is no UTF-8, is not stored.
    locations: Vec<Option<String>>,
    /// Whether INPUT is one folder of a disk or of a store whose images are files. Then nothing
    /// is listed.
    is_folder: bool,
    /// Pages of each file, which are the channels; 0 if files have no pages.
    pages: usize,
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
            pages: planned.parts().pages().unwrap_or(0),
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

    /// Opens the images of a part at `locations`, which are those of [`Self::locations`] or other
    /// names of the same files. `planes` are the paths of the planes that have an image, of which
    /// the plan knows `images`. A folder of files is not listed, of tars only the changed ones are
    /// read; of any other INPUT the list is read again.
    ///
    /// # Errors
    /// [`PlanInputError`].
    pub fn open(
        &self,
        locations: &[Location],
        planes: &[String],
        images: &StoredImages,
    ) -> Result<Box<dyn Source>, PlanInputError> {
        let parts = images.parts(self.pages);
        let files = files(planes, &parts);
        let source: Box<dyn Source> = if let Some(tars) = images.tars(&files, locations)? {
            Box::new(TarSource::of_members(tars)?)
        } else {
            match locations {
                [Location::Local(folder)] if self.is_folder && folder.is_dir() => {
                    Box::new(FolderSource::new(folder))
                }
                [Location::Remote(address)] if self.is_folder => {
                    Box::new(BucketSource::unlisted(Remote::folder(address)?))
                }
                _ => Input::open(locations)?.0.source,
            }
        };
        Ok(assembled(source, Arc::new(parts)))
    }
}
