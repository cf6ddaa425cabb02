//! A limit of bytes in a second.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

/// The number of bytes that all requests together may move in a second, up and down.
///
/// Each piece of bytes is given a time before which it may not pass. A clock that stood
/// still for a while earns nothing: there are no bursts.
#[derive(Debug)]
pub struct Bandwidth {
    bytes_a_second: u64,
    /// When the next piece may pass.
    next: Mutex<Instant>,
}

impl Bandwidth {
    /// Returns the limit of `bytes_a_second`. All clients of this process with that
    /// number share it.
    pub fn shared(bytes_a_second: u64) -> Arc<Self> {
        static LIMITS: Mutex<Option<HashMap<u64, Weak<Bandwidth>>>> = Mutex::new(None);
        let mut limits = LIMITS.lock().unwrap_or_else(PoisonError::into_inner);
        let limits = limits.get_or_insert_default();
        if let Some(limit) = limits.get(&bytes_a_second).and_then(Weak::upgrade) {
            return limit;
        }
        let limit = Arc::new(Self {
            bytes_a_second: bytes_a_second.max(1),
            next: Mutex::new(Instant::now()),
        });
        limits.insert(bytes_a_second, Arc::downgrade(&limit));
        limit
    }

    /// Reserves the passage of so many bytes; returns how long they have to wait.
    pub(super) fn reserve(&self, bytes: usize) -> Duration {
        let takes = bytes as f64 / self.bytes_a_second as f64;
        let now = Instant::now();
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let begins = (*next).max(now);
        *next = begins + Duration::from_secs_f64(takes);
        next.duration_since(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_wait_for_those_before_them() {
        let limit = Bandwidth::shared(1_000);
        let first = limit.reserve(10_000);
        assert!(first > Duration::from_secs(9) && first <= Duration::from_secs(10));
        let second = Bandwidth::shared(1_000).reserve(5_000);
        assert!(second > Duration::from_secs(9) && second <= Duration::from_secs(15));
        assert!(Bandwidth::shared(2_000).reserve(2_000) <= Duration::from_secs(1));
    }
}
