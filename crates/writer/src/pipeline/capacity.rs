//! How many threads a run has, and how many chunks are under way.

use std::num::NonZeroUsize;

use rxrx_input::ReadHints;

/// Chunks under way for each thread that computes, or that waits for calls whose
/// duration varies: enough to go on while a shard is flushed.
const CHUNKS_A_THREAD: usize = 3;

/// Numbers of threads and chunks of one run. The first page of the pipeline has the
/// table of the memory that follows from them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Capacity {
    /// Threads that read image files. They mostly wait.
    pub(super) readers: usize,
    /// Threads that decode and encode: `--jobs`.
    pub(super) workers: usize,
    /// Threads that write shards. They mostly wait, and hash what they write.
    pub(super) storers: usize,
    /// Chunks of a unit that a reader takes at once.
    pub(super) chunks_a_read: usize,
    /// Chunks between readers and workers.
    pub(super) read_ahead: usize,
    /// Chunks that readers have taken and no storer has written yet.
    pub(super) in_flight: usize,
}

impl Capacity {
    /// Plans a run of `jobs` workers. `hints` are those of the source, `writers` is the
    /// number of objects that the store takes at once.
    pub(super) fn new(
        jobs: NonZeroUsize,
        hints: &ReadHints,
        chunk_bytes: usize,
        writers: usize,
    ) -> Self {
        let workers = jobs.get();
        let readers = workers.max(hints.calls);
        let chunks_a_read = (hints.pixel_bytes / chunk_bytes.max(1)).max(1);
        let calls_in_turn = if hints.is_steady { 1 } else { CHUNKS_A_THREAD };
        let a_reader = chunks_a_read.max(calls_in_turn);
        Self {
            readers,
            workers,
            storers: writers.max(1),
            chunks_a_read,
            read_ahead: if hints.is_steady { workers } else { readers },
            in_flight: CHUNKS_A_THREAD * workers + 2 * a_reader * readers,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_example_of_the_first_page_is_what_it_says() {
        let jobs = NonZeroUsize::new(2).unwrap();
        let chunk_bytes = 6 * 512 * 512;
        let disk = Capacity::new(jobs, &ReadHints::DISK, chunk_bytes, 2);
        assert_eq!((disk.readers, disk.read_ahead, disk.in_flight), (8, 2, 22));
        let archive = ReadHints {
            calls: 16,
            pixel_bytes: 5 * chunk_bytes,
            is_steady: false,
        };
        let archive = Capacity::new(jobs, &archive, chunk_bytes, 4);
        assert_eq!((archive.chunks_a_read, archive.in_flight), (5, 166));
    }
}
