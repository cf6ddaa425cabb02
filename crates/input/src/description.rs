//! The description of the data set in INPUT, `rxrx2zarr.json`.

use rxrx_metadata::{InputDescription, ProfileChoice, ProfileError};
use rxrx_storage::Location;

use crate::read_error::ReadError;
use crate::source::Source;

/// Reads the description at `place` in the input; an empty one where there is none.
///
/// # Errors
/// [`DescriptionError`] when the file exists and cannot be read, or is not a description.
pub(crate) fn read_description(
    source: &dyn Source,
    place: &Location,
) -> Result<InputDescription, DescriptionError> {
    let mut bytes = Vec::new();
    let limit = InputDescription::BYTES_AT_MOST + 1;
    match source.read(InputDescription::FILE, limit, &mut bytes) {
        Err(error) if error.is_vanished() => return Ok(InputDescription::default()),
        Err(source) => {
            return Err(DescriptionError::Read {
                place: place.clone(),
                source: Box::new(source),
            });
        }
        Ok(_) => {}
    }
    if bytes.len() > InputDescription::BYTES_AT_MOST {
        return Err(DescriptionError::TooLarge {
            place: place.clone(),
        });
    }
    InputDescription::parse(&bytes).map_err(|source| DescriptionError::Parse {
        place: place.clone(),
        source,
    })
}

/// Returns the profile that the description at `place` names, if it names one.
///
/// # Errors
/// There is no such profile.
pub(crate) fn profile_of(
    description: &InputDescription,
    place: &Location,
) -> Result<Option<ProfileChoice>, DescriptionError> {
    let choice = description.profile.as_ref().map(|name| {
        // A file beside the images must not name a file of this machine.
        ProfileChoice::built_in(name).map_err(|source| DescriptionError::Profile {
            place: place.clone(),
            source: Box::new(source),
        })
    });
    choice.transpose()
}

/// The description in INPUT cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DescriptionError {
    /// The description cannot be read.
    #[error("cannot read {place}")]
    Read {
        /// The file.
        place: Location,
        /// The error of the source.
        source: Box<ReadError>,
    },
    /// The file is too large for a description.
    #[error(
        "{place} is longer than {} bytes (expected JSON with fields such as name, license and \
         citation)",
        InputDescription::BYTES_AT_MOST
    )]
    TooLarge {
        /// The file.
        place: Location,
    },
    /// The file is not a description.
    #[error(
        "{place} is not a description of a dataset (expected JSON with fields such as name, \
         license and citation)"
    )]
    Parse {
        /// The file.
        place: Location,
        /// The error of the parser, which names the field.
        source: serde_json::Error,
    },
    /// The file names a profile that does not exist.
    #[error("{place} names a profile that does not exist")]
    Profile {
        /// The file.
        place: Location,
        /// The error of the name.
        source: Box<ProfileError>,
    },
}
