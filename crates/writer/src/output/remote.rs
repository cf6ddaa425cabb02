//! OUTPUT as a prefix in an object store.

use std::sync::Arc;

use rxrx_storage::{Lease, LeaseFence, LeaseLock, LeaseTimes, Lock, Remote, RemoteStore};

use super::backend::OutputBackend;
use super::error::OutputError;
use crate::journal;

/// Suffix that makes the name of the work folder of OUTPUT's name.
pub(super) const WORK_SUFFIX: &str = ".rxrx2zarr";

/// OUTPUT and the prefix of the work folder beside it.
pub(super) struct RemoteBackend {
    output: Remote,
    work: Remote,
    times: LeaseTimes,
    /// Prevents writes without the lease.
    fence: Arc<LeaseFence>,
}

impl RemoteBackend {
    pub(super) fn new(output: Remote, times: LeaseTimes) -> Self {
        Self {
            work: output.beside(WORK_SUFFIX),
            output,
            times,
            fence: Arc::default(),
        }
    }

    pub(super) fn output(&self) -> &Remote {
        &self.output
    }

    pub(super) fn work(&self) -> &Remote {
        &self.work
    }

    pub(super) fn output_store(&self) -> RemoteStore {
        RemoteStore::new(self.output.clone(), Some(self.fence.clone()))
    }

    pub(super) fn work_store(&self) -> RemoteStore {
        RemoteStore::new(self.work.clone(), Some(self.fence.clone()))
    }
}

impl OutputBackend for RemoteBackend {
    fn output_entries(&self) -> Result<Option<Vec<String>>, OutputError> {
        Ok(Some(self.output.entries()?))
    }

    fn work_entries(&self) -> Result<Option<Vec<String>>, OutputError> {
        Ok(Some(self.work.entries()?))
    }

    fn has_work(&self) -> Result<bool, OutputError> {
        Ok(!self.work.entries()?.is_empty())
    }

    fn holder(&self) -> Result<Option<String>, OutputError> {
        Ok(Lease::holder(&self.work)?)
    }

    fn lock(&self) -> Result<Box<dyn Lock>, OutputError> {
        let output = self.output.location();
        let fence = self.fence.clone();
        let lock = LeaseLock::take(&self.work, &output, self.times, fence, journal::RUN)?;
        Ok(Box::new(lock))
    }

    fn remove_output(&self) -> Result<(), OutputError> {
        // A prefix without objects does not exist.
        Ok(())
    }
}
