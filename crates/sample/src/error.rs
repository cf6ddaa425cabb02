//! Errors of making a sample.

use std::io;
use std::path::PathBuf;

/// Smallest side of an image, in pixels.
pub(super) const SMALLEST: u32 = 16;
/// Largest side of an image, in pixels.
pub(super) const LARGEST: u32 = 4096;

/// The sample cannot be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SampleError {
    /// The destination holds files already.
    #[error("{} is not empty: name a new folder, or empty this one first", path.display())]
    NotEmpty {
        /// The destination.
        path: PathBuf,
    },
    /// The number of sites is zero.
    #[error("a sample has at least one site")]
    NoSites,
    /// The flaws need more wells.
    #[error("a sample with flaws needs {least} sites or more, and {sites} are asked for")]
    FewSites {
        /// The number of sites asked for.
        sites: usize,
        /// The least number of sites.
        least: usize,
    },
    /// Images of this size are not supported.
    #[error(
        "images of {size} x {size} pixels are not supported: the size is {SMALLEST} to {LARGEST}"
    )]
    Size {
        /// The size asked for.
        size: u32,
    },
    /// The threads cannot be started.
    #[error("cannot start {jobs} threads; use fewer with --jobs")]
    Threads {
        /// Number of threads.
        jobs: usize,
        /// The cause.
        source: rayon::ThreadPoolBuildError,
    },
    /// The destination cannot be listed.
    #[error("cannot list {}", path.display())]
    List {
        /// The destination.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// A folder or a file cannot be written.
    #[error("cannot write {}", path.display())]
    Write {
        /// The folder or file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// An image cannot be encoded.
    #[error("cannot encode {} as PNG", path.display())]
    Encode {
        /// The file that was to be written.
        path: PathBuf,
        /// The cause.
        source: png::EncodingError,
    },
}
