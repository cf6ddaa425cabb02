//! The description in INPUT.

use rxrx_format::Description;
use rxrx_input::{PlannedInput, ReadError};
use rxrx_storage::Location;

/// Reads the description of `input`; the description of RxRx1 where INPUT has none.
///
/// # Errors
/// [`DescriptionError`] when the file exists and cannot be read, or is not a
/// description.
pub fn describe(input: &PlannedInput) -> Result<Description, DescriptionError> {
    let place = || {
        let place = input.location_of(Description::FILE);
        place.unwrap_or_else(|| Location::Local(Description::FILE.into()))
    };
    let mut bytes = Vec::new();
    match input.source().read(
        Description::FILE,
        Description::BYTES_AT_MOST + 1,
        &mut bytes,
    ) {
        Err(error) if error.is_vanished() => return Ok(Description::rxrx1()),
        Err(source) => {
            return Err(DescriptionError::Read {
                place: place(),
                source,
            });
        }
        Ok(_) => {}
    }
    if bytes.len() > Description::BYTES_AT_MOST {
        return Err(DescriptionError::TooLarge { place: place() });
    }
    Description::parse(&bytes).map_err(|source| DescriptionError::Parse {
        place: place(),
        source,
    })
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
        source: ReadError,
    },
    /// The file is too large for a description.
    #[error(
        "{place} is longer than {} bytes (expected JSON with name, license and citation)",
        Description::BYTES_AT_MOST
    )]
    TooLarge {
        /// The file.
        place: Location,
    },
    /// The file is not a description.
    #[error(
        "{place} is not a description of a dataset (expected JSON with name, license and citation)"
    )]
    Parse {
        /// The file.
        place: Location,
        /// The error of the parser.
        source: serde_json::Error,
    },
}
