//! The times of a lease.

use std::time::Duration;

/// The times of a lease.
#[derive(Clone, Copy, Debug)]
pub struct LeaseTimes {
    /// The time between two renewals.
    pub renew: Duration,
    /// The time without a renewal after which another process may take the lease.
    pub expires: Duration,
    /// The time to wait for the leases of other processes if the store has no
    /// conditional put.
    pub settle: Duration,
}

impl Default for LeaseTimes {
    fn default() -> Self {
        Self {
            renew: Duration::from_secs(5),
            expires: Duration::from_secs(60),
            settle: Duration::from_secs(3),
        }
    }
}
