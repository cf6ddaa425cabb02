//! The two places where OUTPUT can lie.

use rxrx_storage::Lock;

use super::error::OutputError;

/// The part of OUTPUT that depends on where it lies.
pub(super) trait OutputBackend: Send + Sync {
    /// Names at the top of OUTPUT, none where it is absent; `None` where
    /// something else is in its place.
    fn output_entries(&self) -> Result<Option<Vec<String>>, OutputError>;

    /// Names at the top of the work folder, none where it is absent; `None` where
    /// something else is in its place.
    fn work_entries(&self) -> Result<Option<Vec<String>>, OutputError>;

    /// Whether there is anything in place of the folder of unfinished work.
    fn has_work(&self) -> Result<bool, OutputError>;

    /// Who holds the lock, if anybody does.
    fn holder(&self) -> Result<Option<String>, OutputError>;

    /// Takes the lock, and removes what torn writes have left.
    fn lock(&self) -> Result<Box<dyn Lock>, OutputError>;

    /// Removes what is left of OUTPUT when its objects are gone.
    fn remove_output(&self) -> Result<(), OutputError>;
}
