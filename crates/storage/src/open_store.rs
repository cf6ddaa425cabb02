//! Opens the store at a location.

use crate::local::LocalStore;
use crate::location::Location;
use crate::remote::{Remote, RemoteStore};
use crate::store::{Store, StoreError};

/// Opens the store at `location` for reading.
///
/// # Errors
/// [`StoreError`] when the store of an address cannot be opened.
pub fn open_store(location: &Location) -> Result<Box<dyn Store>, StoreError> {
    Ok(match location {
        Location::Local(path) => Box::new(LocalStore::read_only(path)),
        Location::Remote(address) => Box::new(RemoteStore::new(Remote::folder(address)?, None)),
    })
}
