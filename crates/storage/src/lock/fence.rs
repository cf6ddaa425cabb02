//! The check of the lease before every write.

use std::error::Error;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::lease::Lease;
use crate::remote::Fence;

/// The lease that this process holds on an output, if any. Without a lease every
/// write is refused.
#[derive(Default)]
pub struct LeaseFence(Mutex<Option<Lease>>);

impl LeaseFence {
    /// Replaces the lease; `None` closes the fence.
    pub(super) fn set(&self, lease: Option<Lease>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = lease;
    }
}

impl Fence for LeaseFence {
    fn left(&self) -> Result<Duration, Box<dyn Error + Send + Sync>> {
        let lease = self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        match lease {
            Some(lease) => Ok(lease.left()?),
            None => Err("this process holds no lease on the output".into()),
        }
    }
}
