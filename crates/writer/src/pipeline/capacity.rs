//! How many threads a run has, and how many chunks are under way.

use std::num::NonZeroUsize;

use rxrx_format::{GroupEncoder, OverviewEncoder, largest_chunk, plane_shape};
use rxrx_input::{KEPT_CALLS, ReadHints, Source};
use rxrx_metadata::ArrayGeometry;
use rxrx_verify::{MemoryLimit, TooLittleMemory};

/// Chunks under way for each thread that computes, or that waits for calls whose
/// duration varies: enough to go on while a shard is flushed.
const CHUNKS_A_THREAD: usize = 3;

/// Numbers of threads and chunks of one run. The first page of the pipeline has the
/// table of the memory that follows from them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Capacity {
    /// Threads that read image files. They mostly wait.
    pub(super) readers: usize,
    /// Threads that decode and encode: `--jobs`, or fewer where there is little memory.
    pub(super) workers: usize,
    /// Threads that write shards. They mostly wait, and hash what they write.
    pub(super) storers: usize,
    /// Chunks of a unit that a reader takes at once.
    pub(super) chunks_a_read: usize,
    /// Chunks between readers and workers.
    pub(super) read_ahead: usize,
    /// Chunks that readers have taken and no storer has written yet.
    pub(super) in_flight: usize,
    /// Bytes of the largest image file that is read ahead.
    pub(super) file_bytes: usize,
}

/// The bytes of what a run holds in memory, each at its largest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BufferSizes {
    /// An image file. A larger one is read again, alone, when it is decoded.
    pub(crate) file: usize,
    /// The image files of a chunk.
    pub(crate) files: usize,
    /// What the source holds for a call beside the image files.
    pub(crate) beside: usize,
    /// An encoded chunk, or all tiles of its planes, with the overviews of the planes.
    pub(crate) encoded: usize,
    /// What a worker needs to decode and encode.
    pub(crate) worker: usize,
    /// What the store needs for an object that is being written, and the overviews of a unit.
    pub(crate) storer: usize,
}

impl BufferSizes {
    /// Returns the sizes for an array of that geometry. `file` is the mean size of the
    /// image file, or of all files, of a plane in `source`, `storer` what the store needs for
    /// an object.
    pub(crate) fn of(
        geometry: &ArrayGeometry,
        (encoder, overviews): (&GroupEncoder, &OverviewEncoder),
        source: &dyn Source,
        file: f64,
        storer: usize,
    ) -> Self {
        let plane = plane_shape(geometry).byte_len();
        let planes_read = plane.saturating_mul(source.files_a_plane());
        // Hardly any PNG is larger than its pixels, or twice as large as others. The mean
        // says nothing if a file is a hostile one.
        let usual = (2.0 * file) as usize;
        let file = usual.clamp(
            planes_read.saturating_add(planes_read / 16),
            planes_read.saturating_mul(4),
        );
        let file = file.saturating_add(4096);
        let planes = geometry.chunk_sites.saturating_mul(geometry.chunk_channels);
        Self {
            file,
            files: planes.saturating_mul(file),
            beside: source.planes_beside().saturating_mul(file),
            encoded: largest_chunk(geometry.chunk_bytes())
                .saturating_mul(geometry.tiles())
                .saturating_add(planes.saturating_mul(overviews.plane_bytes())),
            // The decoder has the rows with their filters, a plane of a stack, and counts of
            // pixels.
            worker: encoder
                .scratch_bytes()
                .saturating_add(plane.saturating_mul(1 + source.files_a_plane().min(2)))
                .saturating_add(1 << 20),
            storer: storer.saturating_add(overviews.scratch_bytes()),
        }
    }
}

impl Capacity {
    /// Plans a run of at most `jobs` workers in so much memory. `hints` are those of the
    /// source, `writers` is the number of objects that the store takes at once.
    ///
    /// # Errors
    /// [`TooLittleMemory`] if not even one chunk can be under way.
    pub(crate) fn within(
        memory: MemoryLimit,
        sizes: &BufferSizes,
        jobs: NonZeroUsize,
        hints: &ReadHints,
        chunk_bytes: usize,
        writers: usize,
    ) -> Result<Self, TooLittleMemory> {
        let mut capacity = Self {
            file_bytes: sizes.file,
            ..Self::new(jobs, hints, chunk_bytes, writers)
        };
        while capacity.bytes(sizes, hints) > memory.bytes {
            let Some(smaller) = capacity.smaller() else {
                return Err(TooLittleMemory {
                    chunk_bytes: chunk_bytes as u64,
                    needed: capacity.bytes(sizes, hints),
                    memory: memory.bytes,
                });
            };
            capacity = smaller;
        }
        Ok(capacity)
    }

    /// Plans a run of `jobs` workers with as much memory as it can use.
    fn new(jobs: NonZeroUsize, hints: &ReadHints, chunk_bytes: usize, writers: usize) -> Self {
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
            file_bytes: usize::MAX,
        }
    }

    /// Returns the bytes that a run of this capacity can hold.
    fn bytes(&self, sizes: &BufferSizes, hints: &ReadHints) -> u64 {
        let with_readers = self.readers.saturating_mul(self.chunks_a_read);
        let with_files = if hints.is_steady {
            (self.workers + self.read_ahead + with_readers).min(self.in_flight)
        } else {
            self.in_flight
        };
        // Requests hold what is just arriving.
        let arriving = if hints.is_steady { 0 } else { with_readers };
        let parts = [
            (with_files + arriving, sizes.files),
            (self.readers + KEPT_CALLS, sizes.beside),
            (self.in_flight, sizes.encoded),
            (self.workers, sizes.worker),
            (self.storers, sizes.storer),
        ];
        parts.iter().fold(0, |sum: u64, &(count, bytes)| {
            sum.saturating_add((count as u64).saturating_mul(bytes as u64))
        })
    }

    /// Returns a capacity that needs less memory, and is slower. Chunks under way are
    /// given up first, as long as each thread has one; `None` if nothing is left to give up.
    fn smaller(self) -> Option<Self> {
        let Self {
            readers,
            workers,
            storers,
            chunks_a_read,
            read_ahead,
            in_flight,
            ..
        } = self;
        let busy = workers + readers * chunks_a_read;
        Some(if in_flight > busy {
            Self {
                in_flight: busy.max(in_flight - in_flight.div_ceil(8)),
                ..self
            }
        } else if chunks_a_read > 1 {
            Self {
                chunks_a_read: chunks_a_read / 2,
                ..self
            }
        } else if storers > 2 {
            Self {
                storers: storers / 2,
                ..self
            }
        } else if readers > workers {
            Self {
                readers: workers.max(readers / 2),
                read_ahead: read_ahead.min(workers),
                ..self
            }
        } else if workers > 1 {
            let workers = workers - workers.div_ceil(8);
            Self {
                workers,
                readers: readers.min(workers),
                read_ahead: read_ahead.min(workers),
                ..self
            }
        } else if in_flight > 1 || storers > 1 {
            Self {
                in_flight: 1,
                storers: 1,
                ..self
            }
        } else {
            return None;
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHUNK: usize = 6 * 512 * 512;
    const SIZES: BufferSizes = BufferSizes {
        file: usize::MAX,
        files: 2 * CHUNK,
        beside: 0,
        encoded: CHUNK,
        worker: CHUNK,
        storer: 1 << 20,
    };
    const ARCHIVE: ReadHints = ReadHints {
        calls: 16,
        pixel_bytes: 5 * CHUNK,
        is_steady: false,
    };

    fn jobs(jobs: usize) -> NonZeroUsize {
        NonZeroUsize::new(jobs).unwrap()
    }

    #[test]
    fn an_example_of_the_first_page_is_what_it_says() {
        let disk = Capacity::new(jobs(2), &ReadHints::DISK, CHUNK, 2);
        assert_eq!((disk.readers, disk.read_ahead, disk.in_flight), (8, 2, 22));
        let archive = Capacity::new(jobs(2), &ARCHIVE, CHUNK, 4);
        assert_eq!((archive.chunks_a_read, archive.in_flight), (5, 166));
    }

    #[test]
    fn a_run_has_what_fits_into_its_memory() {
        let all = u64::MAX;
        for hints in [ReadHints::DISK, ARCHIVE] {
            for workers in [1, 2, 7, 64] {
                let within = |bytes| {
                    let memory = MemoryLimit { bytes };
                    Capacity::within(memory, &SIZES, jobs(workers), &hints, CHUNK, 4)
                };
                let most = within(all).unwrap();
                assert_eq!(most, Capacity::new(jobs(workers), &hints, CHUNK, 4));
                let least = within(0).unwrap_err().needed;
                assert_eq!(within(least - 1).unwrap_err().needed, least);
                let mut bytes = least;
                while bytes < most.bytes(&SIZES, &hints) {
                    let fits = within(bytes).unwrap();
                    assert!(fits.bytes(&SIZES, &hints) <= bytes, "{fits:?}");
                    // A reader can take what it takes at once, and no thread lacks.
                    assert!(fits.in_flight >= fits.chunks_a_read, "{fits:?}");
                    let threads = [fits.readers, fits.workers, fits.storers];
                    assert!(!threads.contains(&0), "{fits:?}");
                    bytes += bytes / 8;
                }
            }
        }
    }

    #[test]
    fn the_least_memory_is_that_of_one_chunk() {
        let memory = MemoryLimit { bytes: 1 << 20 };
        let error = Capacity::within(memory, &SIZES, jobs(8), &ReadHints::DISK, CHUNK, 2);
        let error = error.unwrap_err();
        let one = SIZES.files + SIZES.encoded + SIZES.worker + SIZES.storer;
        assert_eq!(error.needed, one as u64);
        let text = error.to_string();
        assert!(text.contains("give at least --memory 7M"), "{text}");
    }
}
