//! The options of a conversion.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread;
use std::time::Duration;

use rxrx_format::{Codec, Description};

use crate::output::{Existing, LockKind};
use rxrx_verify::MemoryLimit;

/// How long units may go on after a stop, unless another time is set.
const GRACE: Duration = Duration::from_secs(5);

/// The options of a conversion. The default converts with the default codec on
/// all cores, refuses an input with missing images and continues what is at
/// OUTPUT.
///
/// ```
/// use rxrx_writer::{Codec, ConvertOptions, Existing};
///
/// let options = ConvertOptions::default()
///     .codec(Codec::Zstd)
///     .allow_missing(true)
///     .existing(Existing::Replace);
/// ```
#[derive(Clone, Debug)]
pub struct ConvertOptions {
    pub(super) codec: Codec,
    pub(super) jobs: NonZeroUsize,
    pub(super) allow_missing: bool,
    pub(super) strict: bool,
    pub(super) existing: Existing,
    pub(super) recheck: bool,
    pub(super) ignore_space: bool,
    pub(super) lock: LockKind,
    pub(super) memory: MemoryLimit,
    pub(super) stop: Arc<AtomicBool>,
    pub(super) grace: Duration,
    pub(super) scratch: Option<PathBuf>,
    pub(super) description: Option<Description>,
}

impl Default for ConvertOptions {
    fn default() -> Self {
        Self {
            codec: Codec::default(),
            jobs: thread::available_parallelism().unwrap_or(NonZeroUsize::MIN),
            allow_missing: false,
            strict: false,
            existing: Existing::Continue,
            recheck: false,
            ignore_space: false,
            lock: LockKind::default(),
            memory: MemoryLimit::default(),
            stop: Arc::default(),
            grace: GRACE,
            scratch: None,
            description: None,
        }
    }
}

impl ConvertOptions {
    /// Sets the codec of the image chunks.
    #[must_use]
    pub fn codec(self, codec: Codec) -> Self {
        Self { codec, ..self }
    }

    /// Sets how many threads decode and encode. The default is one for each core.
    #[must_use]
    pub fn jobs(self, jobs: NonZeroUsize) -> Self {
        Self { jobs, ..self }
    }

    /// Sets whether an input with missing images is converted. The pixels of a
    /// missing image are 0.
    #[must_use]
    pub fn allow_missing(self, allow_missing: bool) -> Self {
        Self {
            allow_missing,
            ..self
        }
    }

    /// Sets whether the first image that cannot be used stops the conversion. The
    /// units before it are kept.
    #[must_use]
    pub fn strict(self, strict: bool) -> Self {
        Self { strict, ..self }
    }

    /// Sets what happens to a dataset, finished or not, that is at OUTPUT.
    #[must_use]
    pub fn existing(self, existing: Existing) -> Self {
        Self { existing, ..self }
    }

    /// Sets whether the hash of every shard that is done is compared with its
    /// record before a run is continued. Without this, only its size is.
    #[must_use]
    pub fn recheck(self, recheck: bool) -> Self {
        Self { recheck, ..self }
    }

    /// Sets whether a run begins although it does not seem to fit on the file system of
    /// OUTPUT.
    #[must_use]
    pub fn ignore_space(self, ignore_space: bool) -> Self {
        Self {
            ignore_space,
            ..self
        }
    }

    /// Sets how others are kept from writing to an OUTPUT that is a folder.
    #[must_use]
    pub fn lock(self, lock: LockKind) -> Self {
        Self { lock, ..self }
    }

    /// Sets the bound on the memory for pixels and buffers.
    #[must_use]
    pub fn memory(self, memory: MemoryLimit) -> Self {
        Self { memory, ..self }
    }

    /// Sets a flag that stops the conversion. Once it is true, no other unit begins, and
    /// the units in progress are finished if that takes no longer than [`Self::grace`].
    #[must_use]
    pub fn stop(self, stop: Arc<AtomicBool>) -> Self {
        Self { stop, ..self }
    }

    /// Sets how long the units in progress may go on after a stop. What is not stored then is
    /// dropped, and converted when the run is continued. The default is 5 s.
    #[must_use]
    pub fn grace(self, grace: Duration) -> Self {
        Self { grace, ..self }
    }

    /// Sets a folder of a fast disk, into which a worker writes each shard first, before it copies
    /// it to an OUTPUT that is a folder.
    #[must_use]
    pub fn scratch(self, scratch: Option<PathBuf>) -> Self {
        Self { scratch, ..self }
    }

    /// Sets the name, licence, citation, channels and columns of the dataset. The default
    /// is the description of INPUT that [`describe`](crate::describe()) gives.
    #[must_use]
    pub fn description(self, description: Description) -> Self {
        Self {
            description: Some(description),
            ..self
        }
    }
}
