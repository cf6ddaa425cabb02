//! Buffers of reads, kept for the next ones.

use std::sync::{Mutex, PoisonError};

use libdeflater::Decompressor;

/// What a read needs for itself, used again and again.
pub(super) struct Spare {
    pub(super) bytes: Vec<u8>,
    pub(super) decompressor: Decompressor,
}

/// As many as ever were in use at once.
#[derive(Default)]
pub(super) struct Spares(Mutex<Vec<Spare>>);

impl Spares {
    pub(super) fn with<T>(&self, work: impl FnOnce(&mut Spare) -> T) -> T {
        let lock = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let spare = lock().pop();
        let mut spare = spare.unwrap_or_else(|| Spare {
            bytes: Vec::new(),
            decompressor: Decompressor::new(),
        });
        let done = work(&mut spare);
        lock().push(spare);
        done
    }
}
