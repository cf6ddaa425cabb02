//! The description that INPUT has of itself.

use rxrx_format::Description;
use rxrx_input::{PlannedInput, ReadError};
use rxrx_storage::Location;

/// Reads the description of `input`: that of RxRx1 where INPUT has none.
///
/// # Errors
/// The file is there and cannot be read, or is no description.
pub fn describe(input: &PlannedInput) -> Result<Description, DescriptionError> {
    let place = || input.input.join(Description::FILE);
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

/// The description in INPUT is of no use.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DescriptionError {
    /// It cannot be read.
    #[error("cannot read {place}")]
    Read {
        /// The file.
        place: Location,
        /// The error of the source.
        source: ReadError,
    },
    /// It is too large to be one.
    #[error(
        "{place} is longer than {} bytes (expected JSON with name, license and citation)",
        Description::BYTES_AT_MOST
    )]
    TooLarge {
        /// The file.
        place: Location,
    },
    /// It is something else.
    #[error(
        "{place} is not a description of a dataset (expected JSON with name, license and citation)"
    )]
    Parse {
        /// The file.
        place: Location,
        /// What is wrong with it.
        source: serde_json::Error,
    },
}
