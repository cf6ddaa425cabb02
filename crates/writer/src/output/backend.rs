//! The part of OUTPUT that differs between disks and object stores.

use rxrx_storage::Lock;

use super::error::OutputError;

/// The part of OUTPUT that depends on where it lies.
pub(super) trait OutputBackend: Send + Sync {
    /// Returns the names at the top of OUTPUT, none where it is absent; `None` where
    /// OUTPUT is no folder.
    fn output_entries(&self) -> Result<Option<Vec<String>>, OutputError>;

    /// Returns the names at the top of the work folder, none where it is absent;
    /// `None` where it is no folder.
    fn work_entries(&self) -> Result<Option<Vec<String>>, OutputError>;

    /// Returns whether there is a work folder, or another entry of that name.
    fn has_work(&self) -> Result<bool, OutputError>;

    /// Returns the process that holds the lock, if there is one.
    fn holder(&self) -> Result<Option<String>, OutputError>;

    /// Takes the lock and removes the temporary files of torn writes.
    fn lock(&self) -> Result<Box<dyn Lock>, OutputError>;

    /// Removes the folders of OUTPUT, which has no more objects.
    fn remove_output(&self) -> Result<(), OutputError>;
}
