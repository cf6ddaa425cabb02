//! Buffers that are used again.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// A pool of buffers for image files or for encoded chunks. It holds as many as were
/// ever in use at once. A new buffer costs a page fault for every 4 KiB; a used one
/// costs none.
pub(super) struct BufferPool {
    free: Mutex<Vec<Vec<u8>>>,
    capacity: usize,
}

impl BufferPool {
    /// Makes an empty pool, whose buffers begin with room for `capacity` bytes. Room
    /// that nobody writes to takes no memory; a buffer that grows leaves a hole where
    /// it was.
    pub(super) fn with_capacity(capacity: usize) -> Self {
        Self {
            free: Mutex::default(),
            capacity,
        }
    }

    /// Takes a free buffer, or a new one. Its content is unspecified.
    pub(super) fn take(&self) -> Vec<u8> {
        let free = self.lock().pop();
        free.unwrap_or_else(|| Vec::with_capacity(self.capacity))
    }

    /// Returns a buffer to the pool.
    pub(super) fn give_back(&self, buffer: Vec<u8>) {
        self.lock().push(buffer);
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Vec<u8>>> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
