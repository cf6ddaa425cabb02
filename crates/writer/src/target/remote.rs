//! OUTPUT as a prefix in an object store.

use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};

use super::claim::{Claim, Lease};
use super::{Ground, Lock, TargetError, WORK_SUFFIX};
use crate::journal;
use crate::remote::Remote;
use crate::store::{Fence, RemoteStore};

/// OUTPUT, and beside it the prefix of unfinished work.
pub(super) struct RemoteGround {
    output: Remote,
    work: Remote,
    lease: Lease,
    claimed: Arc<Claimed>,
}

/// The claim that this process has, if any: without it nothing is written.
#[derive(Default)]
struct Claimed(Mutex<Option<Claim>>);

impl Fence for Claimed {
    fn check(&self) -> Result<(), Box<dyn Error + Send + Sync>> {
        let claim = self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        match claim {
            Some(claim) => Ok(claim.check()?),
            None => Err("the output is not claimed".into()),
        }
    }
}

impl RemoteGround {
    pub(super) fn new(output: Remote, lease: Lease) -> Self {
        Self {
            work: output.beside(WORK_SUFFIX),
            output,
            lease,
            claimed: Arc::default(),
        }
    }

    pub(super) fn output(&self) -> &Remote {
        &self.output
    }

    pub(super) fn work(&self) -> &Remote {
        &self.work
    }

    pub(super) fn output_store(&self) -> RemoteStore {
        RemoteStore::new(self.output.clone(), Some(self.claimed.clone()))
    }

    pub(super) fn work_store(&self) -> RemoteStore {
        RemoteStore::new(self.work.clone(), Some(self.claimed.clone()))
    }
}

impl Ground for RemoteGround {
    fn output_entries(&self) -> Result<Option<Vec<String>>, TargetError> {
        Ok(Some(self.output.entries()?))
    }

    fn work_entries(&self) -> Result<Option<Vec<String>>, TargetError> {
        Ok(Some(self.work.entries()?))
    }

    fn has_work(&self) -> Result<bool, TargetError> {
        Ok(!self.work.entries()?.is_empty())
    }

    fn holder(&self) -> Result<Option<String>, TargetError> {
        Ok(Claim::holder(&self.work)?)
    }

    fn lock(&self) -> Result<Box<dyn Lock>, TargetError> {
        let claim = Claim::take(&self.work, &self.output.location(), self.lease)?;
        let mut claimed = self
            .claimed
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *claimed = Some(claim.clone());
        Ok(Box::new(ClaimLock {
            work: self.work.clone(),
            claim,
            claimed: self.claimed.clone(),
        }))
    }

    fn remove_output(&self) -> Result<(), TargetError> {
        // A folder without objects is none.
        Ok(())
    }
}

/// A claim that is held.
struct ClaimLock {
    work: Remote,
    claim: Claim,
    claimed: Arc<Claimed>,
}

impl Lock for ClaimLock {
    fn check(&self) -> Result<(), TargetError> {
        // Whatever the clock says: nothing is sealed by one who has lost it.
        self.claim.renew()
    }

    fn may_write(&self) -> Result<(), TargetError> {
        self.claim.check()
    }

    fn remove_work(self: Box<Self>) {
        let objects = self.work.list().unwrap_or_default().into_iter();
        let keys: Vec<String> = objects.map(|object| object.key).collect();
        // The claim goes last, so that nobody begins among what is left.
        let (claims, others): (Vec<_>, Vec<_>) =
            keys.into_iter().partition(|key| Claim::is_key(key));
        if self.work.remove_all(&others).is_ok() {
            self.claim.end();
            let _ = self.work.remove_all(&claims);
        }
    }

    fn is_exclusive(&self) -> bool {
        self.claim.is_exclusive()
    }
}

impl Drop for ClaimLock {
    fn drop(&mut self) {
        let mut claimed = self
            .claimed
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *claimed = None;
        let begun = self.work.head(journal::RUN);
        self.claim.release(!matches!(begun, Ok(None)));
    }
}
