//! Buffers of reads, which are used again.

use std::sync::{Mutex, PoisonError};

use libdeflater::Decompressor;

/// Memory that one call of a read needs for itself.
pub(super) struct ReadBuffer {
    /// Bytes of the archive.
    pub(super) bytes: Vec<u8>,
    pub(super) decompressor: Decompressor,
}

/// Buffers that no call uses now. There are as many buffers as the most calls that
/// ever ran at the same time.
#[derive(Default)]
pub(super) struct ReadBuffers(Mutex<Vec<ReadBuffer>>);

impl ReadBuffers {
    /// Runs `work` with a buffer that no other call uses. The lock is not held
    /// while `work` runs.
    pub(super) fn with<T>(&self, work: impl FnOnce(&mut ReadBuffer) -> T) -> T {
        let lock = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let free = lock().pop();
        let mut buffer = free.unwrap_or_else(|| ReadBuffer {
            bytes: Vec::new(),
            decompressor: Decompressor::new(),
        });
        let done = work(&mut buffer);
        lock().push(buffer);
        done
    }
}
