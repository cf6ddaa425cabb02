//! Memory of the threads that read.

use std::fmt;
use std::sync::Mutex;

use rxrx_format::DecoderScratch;

/// Bytes of a buffer that is kept for the next call.
const KEPT_AT_MOST: usize = 16 << 20;

/// Scratches that are kept for the next call.
const SCRATCHES_AT_MOST: usize = 64;

/// What one thread keeps from chunk to chunk. New memory costs more than decoding into
/// memory that is in cache: the system fills each new page with zeros.
#[derive(Default)]
pub(crate) struct ReadScratch {
    /// The stored bytes of each request.
    pub(crate) stored: Vec<Vec<u8>>,
    /// The pixels of a chunk that go to several places.
    pub(crate) chunk: Vec<u8>,
    pub(crate) decoder: DecoderScratch,
}

/// The scratches that no thread uses.
///
/// Nobody waits for the lock: in a process that was forked, the thread that held it may be
/// gone. Whoever finds it locked takes new memory, or gives back none.
#[derive(Default)]
pub(crate) struct Scratches(Mutex<Vec<ReadScratch>>);

impl fmt::Debug for Scratches {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scratches").finish_non_exhaustive()
    }
}

impl Scratches {
    /// Takes a scratch for the calling thread.
    pub(crate) fn take(&self) -> ReadScratch {
        let kept = self.0.try_lock().ok().and_then(|mut kept| kept.pop());
        kept.unwrap_or_default()
    }

    /// Gives a scratch back.
    pub(crate) fn give_back(&self, mut scratch: ReadScratch) {
        scratch.stored.truncate(1);
        for buffer in scratch.stored.iter_mut().chain([&mut scratch.chunk]) {
            if buffer.capacity() > KEPT_AT_MOST {
                *buffer = Vec::new();
            }
        }
        if let Ok(mut kept) = self.0.try_lock()
            && kept.len() < SCRATCHES_AT_MOST
        {
            kept.push(scratch);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_buffers_are_used_again_and_large_ones_are_not() {
        let scratches = Scratches::default();
        let mut scratch = scratches.take();
        scratch.stored = vec![vec![1; 100], vec![2; 100]];
        scratch.chunk = vec![3; KEPT_AT_MOST + 1];
        scratches.give_back(scratch);
        let scratch = scratches.take();
        assert_eq!(scratch.stored, [vec![1; 100]]);
        assert_eq!(scratch.chunk.capacity(), 0);
        assert!(scratches.take().stored.is_empty());
        for _ in 0..2 * SCRATCHES_AT_MOST {
            scratches.give_back(ReadScratch::default());
        }
        assert_eq!(scratches.0.lock().unwrap().len(), SCRATCHES_AT_MOST);
    }

    #[test]
    fn nobody_waits_for_a_lock_that_is_held() {
        let scratches = Scratches::default();
        let held = scratches.0.lock().unwrap();
        let scratch = scratches.take();
        scratches.give_back(scratch);
        drop(held);
        assert!(scratches.0.lock().unwrap().is_empty());
    }
}
