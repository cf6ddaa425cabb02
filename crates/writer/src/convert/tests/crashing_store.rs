//! A store whose process crashes.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rxrx_storage::{Store, StoreError, StoreErrorKind, StoredChecksums, StoredObject, Version};

/// A process that crashes at one of its writes: before the write has an effect, or
/// after its whole effect. There is no third case, because writes are atomic.
pub(super) struct WritesLeft {
    pub(super) writes_left: AtomicUsize,
    pub(super) last_takes_effect: bool,
}

/// A store of such a process.
pub(super) struct CrashingStore {
    pub(super) inner: Arc<dyn Store>,
    pub(super) process: Arc<WritesLeft>,
}

impl CrashingStore {
    fn write<T>(&self, write: impl FnOnce() -> Result<T, StoreError>) -> Result<T, StoreError> {
        let left = &self.process.writes_left;
        let before = left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1));
        match before {
            Err(_) => Err(crash_error()),
            Ok(1) => {
                if self.process.last_takes_effect {
                    write()?;
                }
                Err(crash_error())
            }
            Ok(_) => write(),
        }
    }
}

fn crash_error() -> StoreError {
    StoreError::new(
        "reach",
        "anything".to_owned(),
        StoreErrorKind::Unreachable,
        "the process has crashed",
    )
}

impl Store for CrashingStore {
    fn put(&self, key: &str, parts: &[&[u8]]) -> Result<(), StoreError> {
        self.write(|| self.inner.put(key, parts))
    }

    fn remove(&self, key: &str) -> Result<(), StoreError> {
        self.write(|| self.inner.remove(key))
    }

    fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.inner.get(key)
    }

    fn version(&self, key: &str) -> Result<Option<Version>, StoreError> {
        self.inner.version(key)
    }

    fn put_if(
        &self,
        key: &str,
        bytes: &[u8],
        there: Option<&Version>,
    ) -> Result<Option<Version>, StoreError> {
        self.write(|| self.inner.put_if(key, bytes, there))
    }

    fn bring(&self, from: &str, key: &str) -> Result<(), StoreError> {
        self.write(|| self.inner.bring(from, key))
    }

    fn has_late_requests(&self) -> bool {
        self.inner.has_late_requests()
    }

    fn list(&self) -> Result<Vec<StoredObject>, StoreError> {
        self.inner.list()
    }

    fn stored_checksums(
        &self,
        keys: &[&str],
    ) -> Result<Option<Vec<Option<StoredChecksums>>>, StoreError> {
        self.inner.stored_checksums(keys)
    }
}
