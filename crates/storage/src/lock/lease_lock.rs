//! The lock of an output in an object store.

use std::sync::Arc;

use super::error::LockError;
use super::fence::LeaseFence;
use super::held::Lock;
use super::lease::{Lease, is_lease_key};
use crate::remote::Remote;
use crate::store::{StoreErrorKind, StoredObject};

/// A lease that is held, with the fence that lets its holder write.
pub struct LeaseLock {
    work: Remote,
    lease: Lease,
    fence: Arc<LeaseFence>,
    /// Key in the work folder of the object that exists once work has begun.
    begun: &'static str,
    other_checksum: Option<&'static str>,
    is_shared: bool,
}

impl LeaseLock {
    /// Opens `fence` with `lease`, the lease in the work folder `work`, whose writes ask
    /// that fence. `begun` is the key in `work` of the object that exists once work has
    /// begun.
    pub fn new(work: Remote, lease: Lease, fence: Arc<LeaseFence>, begun: &'static str) -> Self {
        fence.set(Some(lease.clone()));
        Self {
            work,
            lease,
            fence,
            begun,
            other_checksum: None,
            is_shared: false,
        }
    }

    /// Makes it the lock of a worker, which removes nothing but its lease.
    pub fn set_shared(&mut self) {
        self.is_shared = true;
    }

    /// Notes the checksum of uploads that is used in place of the usual one.
    pub fn set_other_checksum(&mut self, checksum: Option<&'static str>) {
        self.other_checksum = checksum;
    }
}

impl Lock for LeaseLock {
    fn check(&self) -> Result<(), LockError> {
        self.lease
            .renew_for_seal(|error| error.kind == StoreErrorKind::Denied)
    }

    fn remove_work(self: Box<Self>, stays: &dyn Fn(&StoredObject) -> bool) {
        if self.is_shared {
            return;
        }
        let objects = self.work.list().unwrap_or_default().into_iter();
        let objects = objects.map(StoredObject::from);
        // The lease is removed last, so that no other process begins before the
        // rest is removed.
        let others = objects.filter(|object| !is_lease_key(&object.key) && !stays(object));
        let others: Vec<String> = others.map(|object| object.key).collect();
        if self.work.remove_all(&others).is_ok() {
            self.lease.remove();
        }
    }

    fn is_exclusive(&self) -> bool {
        self.lease.is_exclusive()
    }

    fn other_checksum(&self) -> Option<&'static str> {
        self.other_checksum
    }
}

impl Drop for LeaseLock {
    fn drop(&mut self) {
        self.fence.set(None);
        if self.is_shared {
            return self.lease.remove();
        }
        let begun = self.work.head(self.begun);
        self.lease.release(!matches!(begun, Ok(None)));
    }
}
