//! The lock of an output in an object store.

use std::sync::Arc;

use super::error::LockError;
use super::fence::LeaseFence;
use super::held::Lock;
use super::lease::{Lease, LeaseTimes, is_lease_key};
use crate::location::Location;
use crate::remote::Remote;

/// A lease that is held, with the fence that lets its holder write.
pub struct LeaseLock {
    work: Remote,
    lease: Lease,
    fence: Arc<LeaseFence>,
    /// Key in the work folder of the object that exists once work has begun.
    begun: &'static str,
}

impl LeaseLock {
    /// Takes the lease on `output` in its work folder `work`, and opens `fence`.
    /// `begun` is the key in `work` of the object that exists once work has begun.
    ///
    /// # Errors
    /// [`LockError`]: another process holds the lease, the store failed or cannot
    /// keep writers apart.
    pub fn take(
        work: &Remote,
        output: &Location,
        times: LeaseTimes,
        fence: Arc<LeaseFence>,
        begun: &'static str,
    ) -> Result<Self, LockError> {
        let lease = Lease::take(work, output, times)?;
        fence.set(Some(lease.clone()));
        Ok(Self {
            work: work.clone(),
            lease,
            fence,
            begun,
        })
    }
}

impl Lock for LeaseLock {
    fn check(&self) -> Result<(), LockError> {
        // A dataset is sealed only directly after a renewal, which does not depend
        // on the clock of this machine.
        self.lease.renew()
    }

    fn remove_work(self: Box<Self>) {
        let objects = self.work.list().unwrap_or_default().into_iter();
        let keys: Vec<String> = objects.map(|object| object.key).collect();
        // The lease is removed last, so that no other process begins before the
        // rest is removed.
        let (leases, others): (Vec<_>, Vec<_>) =
            keys.into_iter().partition(|key| is_lease_key(key));
        if self.work.remove_all(&others).is_ok() {
            self.lease.end();
            let _ = self.work.remove_all(&leases);
        }
    }

    fn is_exclusive(&self) -> bool {
        self.lease.is_exclusive()
    }
}

impl Drop for LeaseLock {
    fn drop(&mut self) {
        self.fence.set(None);
        let begun = self.work.head(self.begun);
        self.lease.release(!matches!(begun, Ok(None)));
    }
}
