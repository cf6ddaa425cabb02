//! A number of bytes that threads share.

use std::sync::{Arc, Condvar, Mutex, PoisonError};

/// Bytes of memory that threads take and give back.
#[derive(Debug)]
pub(super) struct Budget {
    all: u64,
    free: Mutex<u64>,
    given_back: Condvar,
}

/// Bytes that were taken. They are given back when it is dropped.
#[derive(Debug)]
pub(super) struct Taken {
    budget: Arc<Budget>,
    bytes: u64,
}

impl Budget {
    pub(super) fn new(bytes: u64) -> Arc<Self> {
        Arc::new(Self {
            all: bytes,
            free: Mutex::new(bytes),
            given_back: Condvar::new(),
        })
    }

    /// Returns whether so many bytes can be taken at all.
    #[cfg(test)]
    pub(super) fn allows(&self, bytes: u64) -> bool {
        bytes <= self.all
    }

    /// Takes bytes, of which there must be so many. Waits until they are given back. The
    /// thread must hold none, so that those who hold some do not wait for it.
    pub(super) fn take(self: &Arc<Self>, bytes: u64) -> Taken {
        let bytes = bytes.min(self.all);
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        while *free < bytes {
            let waited = self.given_back.wait(free);
            free = waited.unwrap_or_else(PoisonError::into_inner);
        }
        *free -= bytes;
        Taken {
            budget: self.clone(),
            bytes,
        }
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        let free = self.budget.free.lock();
        *free.unwrap_or_else(PoisonError::into_inner) += self.bytes;
        self.budget.given_back.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::thread;

    use super::*;

    #[test]
    fn threads_never_have_more_than_there_is() {
        let budget = Budget::new(10);
        assert!(budget.allows(10) && !budget.allows(11));
        let taken = AtomicU64::new(0);
        thread::scope(|scope| {
            for bytes in [1, 3, 5, 7, 10] {
                let (budget, taken) = (&budget, &taken);
                scope.spawn(move || {
                    for _ in 0..200 {
                        let held = budget.take(bytes);
                        let all = taken.fetch_add(bytes, Ordering::SeqCst) + bytes;
                        assert!(all <= 10, "{all}");
                        thread::yield_now();
                        taken.fetch_sub(bytes, Ordering::SeqCst);
                        drop(held);
                    }
                });
            }
        });
        drop(budget.take(10));
    }
}
