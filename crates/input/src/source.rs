//! Where the bytes of the images come from.

use std::io;

use serde::{Deserialize, Serialize};

/// By what one notices that a file is no longer the one that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceStamp {
    /// Size in bytes.
    pub bytes: u64,
    /// Changes whenever the content does; `None` where nothing is known. On a
    /// disk it is the time of the last change, in nanoseconds since 1970; in an
    /// archive the CRC-32; in a bucket a digest of the ETag.
    pub version: Option<u64>,
}

impl SourceStamp {
    /// Whether a file with the stamp `now` may be the one that had this stamp.
    pub fn may_be(self, now: Self) -> bool {
        let version = self.version.zip(now.version);
        self.bytes == now.bytes && version.is_none_or(|(then, now)| then == now)
    }
}

/// How the files of a [`Source`] are read fastest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadHints {
    /// Calls of [`Source::read_all`] at once, at least.
    pub calls: usize,
    /// Bytes of pixels whose files one call asks for, at most; of one chunk it
    /// asks for all in any case.
    pub pixel_bytes: usize,
    /// Whether calls take much the same time. Where some take far longer, more
    /// is read ahead of them, in more memory.
    pub is_steady: bool,
}

impl ReadHints {
    /// Files of a disk: enough for it, or for a file server, to work on several
    /// requests at once.
    pub const DISK: Self = Self {
        calls: 8,
        pixel_bytes: 0,
        is_steady: true,
    };
    /// Small objects of a store: each is a request of its own anyway.
    pub(crate) const OBJECTS: Self = Self {
        calls: 16,
        pixel_bytes: 0,
        is_steady: false,
    };
    /// Parts of one large object: some megabytes a request, and enough of them
    /// to hide that each takes a while to begin.
    pub(crate) const RANGES: Self = Self {
        calls: 16,
        pixel_bytes: 8 << 20,
        is_steady: false,
    };
}

/// Reads whole image files by their path inside INPUT.
pub trait Source: Send + Sync {
    /// Replaces the content of `bytes` with the file at `path` (relative to
    /// INPUT, `/`-separated), or with its first `at_most` bytes where it has
    /// more, keeping the allocation. Returns the stamp of what was read.
    ///
    /// # Errors
    /// What the file system or the store said; the caller knows the path.
    fn read(&self, path: &str, at_most: usize, bytes: &mut Vec<u8>) -> io::Result<SourceStamp>;

    /// Reads several files, each as [`Source::read`] does into the buffer beside
    /// its path, and returns what came of each, in their order. Where reads are
    /// slow to begin, or files lie side by side, that is faster than one by one.
    fn read_all(
        &self,
        files: &mut [(&str, Vec<u8>)],
        at_most: usize,
    ) -> Vec<io::Result<SourceStamp>> {
        let files = files.iter_mut();
        files
            .map(|(path, bytes)| self.read(path, at_most, bytes))
            .collect()
    }

    /// The stamp of the file at `path`, without reading it.
    ///
    /// # Errors
    /// As [`Source::read`].
    fn stamp(&self, path: &str) -> io::Result<SourceStamp>;

    /// How it is read fastest.
    fn read_hints(&self) -> ReadHints {
        ReadHints::DISK
    }
}

/// [`Source::read`] of a source for which one file is as good as several.
pub(crate) fn read_alone(
    source: &dyn Source,
    path: &str,
    at_most: usize,
    bytes: &mut Vec<u8>,
) -> io::Result<SourceStamp> {
    let mut file = [(path, std::mem::take(bytes))];
    let read = source.read_all(&mut file, at_most).pop();
    let [(_, read_bytes)] = file;
    *bytes = read_bytes;
    read.unwrap_or_else(|| Err(io::ErrorKind::NotFound.into()))
}

/// What an image file may have beyond its pixels, such as texts.
const SURPLUS_BYTES: usize = 8 << 20;
/// Bytes of a pixel that is not compressed, over those it has in the array: four
/// samples, and filter bytes.
const SAMPLES: usize = 5;

/// Bytes of the largest file that an image of `plane_bytes` can need; one that
/// is larger is not read.
pub fn largest_file(plane_bytes: usize) -> usize {
    plane_bytes
        .saturating_mul(SAMPLES)
        .saturating_add(SURPLUS_BYTES)
}
