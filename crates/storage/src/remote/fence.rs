//! The check whether this process may write.

use std::error::Error;
use std::thread;
use std::time::{Duration, Instant};

use rxrx_transport::causes;

/// For how long a write waits until a lease is renewed: as long as other requests are
/// repeated.
pub(super) const WAIT: Duration = Duration::from_secs(180);
/// The time between two looks meanwhile.
pub(super) const PAUSE: Duration = Duration::from_millis(100);

/// The check whether this process may write.
pub trait Fence: Send + Sync {
    /// Returns for how long this process may write from now on. Zero means that this is
    /// not known at the moment; it may be known later. It does not block.
    ///
    /// # Errors
    /// The reason why this process may not write any more.
    fn left(&self) -> Result<Duration, Box<dyn Error + Send + Sync>>;
}

/// This process may not write.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FenceError {
    /// It never may again.
    #[error("{0}")]
    Closed(Box<dyn Error + Send + Sync>),
    /// The lease could not be renewed for too long.
    #[error(
        "the lease on the output cannot be renewed, because the store does not answer: nothing \
         is sealed, and what was done is kept; run the same command again"
    )]
    NotRenewed,
}

impl FenceError {
    /// Finds the error in the causes of another one.
    pub(super) fn in_causes<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a Self> {
        causes(error).find_map(|cause| cause.downcast_ref())
    }
}

/// Blocks until this process may write.
///
/// # Errors
/// It may not, or the lease cannot be renewed.
pub(crate) fn wait_until_open(fence: &dyn Fence) -> Result<(), FenceError> {
    let begun = Instant::now();
    while fence.left().map_err(FenceError::Closed)?.is_zero() {
        if begun.elapsed() >= WAIT {
            return Err(FenceError::NotRenewed);
        }
        thread::sleep(PAUSE);
    }
    Ok(())
}
