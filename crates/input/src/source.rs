//! Sources of image files.

use serde::{Deserialize, Serialize};

use crate::read_error::{Cause, ReadError};

/// Size and version of a file, by which a change of the file is noticed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceStamp {
    /// Size in bytes.
    pub bytes: u64,
    /// A number that changes with the content; `None` if there is none. On a disk
    /// it is the time of the last change, in nanoseconds since 1970; in an archive
    /// the CRC-32; in a bucket a digest of the ETag.
    pub version: Option<u64>,
}

impl SourceStamp {
    /// Whether a file whose stamp is `now` may have the content that it had when
    /// this stamp was taken.
    pub fn may_be(self, now: Self) -> bool {
        let version = self.version.zip(now.version);
        self.bytes == now.bytes && version.is_none_or(|(then, now)| then == now)
    }
}

/// The calls by which the files of a [`Source`] are read fastest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadHints {
    /// Fewest concurrent calls of [`Source::read_all`].
    pub calls: usize,
    /// Most bytes of pixels whose files one call reads. A call always reads all
    /// files of a chunk.
    pub pixel_bytes: usize,
    /// Whether all calls take a similar time. If some take far longer, more files
    /// are read ahead, which takes more memory.
    pub is_steady: bool,
}

impl ReadHints {
    /// Hints for files of a disk: enough calls for a disk or a file server to work
    /// on several requests at once.
    pub const DISK: Self = Self {
        calls: 8,
        pixel_bytes: 0,
        is_steady: true,
    };
    /// Hints for small objects of a store, which take one request each.
    pub(crate) const OBJECTS: Self = Self {
        calls: 16,
        pixel_bytes: 0,
        is_steady: false,
    };
    /// Hints for parts of one large object: some megabytes a request, and enough
    /// requests to hide their latency.
    pub(crate) const RANGES: Self = Self {
        calls: 16,
        pixel_bytes: 8 << 20,
        is_steady: false,
    };
}

/// Calls whose planes a source keeps in memory, where it holds [any](Source::planes_beside).
pub const KEPT_CALLS: usize = 2;

/// Most headers that a plan reads: all headers of a small tree, a sample of a
/// large one. The other images are checked when they are converted.
pub(crate) const HEADERS_AT_MOST: usize = 8192;

/// Most files of a disk whose size and time a plan keeps: all of RxRx1, a sample of a larger set.
const STAMPS_AT_MOST: usize = 1 << 20;

/// Where a file lies in a tar.
#[derive(Clone, Copy, Debug)]
pub struct TarPlace<'a> {
    /// The number of the INPUT, and the path of the tar in it; no path if the tar is INPUT itself.
    pub(crate) tar: (usize, Option<&'a str>),
    /// What stands before the names of the members in their paths.
    pub(crate) prefix: &'a str,
    /// Size and version of the tar.
    pub(crate) stamp: SourceStamp,
    /// First byte of the file in the tar.
    pub(crate) offset: u64,
    /// Bytes of the file.
    pub(crate) bytes: u32,
}

/// Reads whole image files by their path inside INPUT. Of [`Source::read`] and
/// [`Source::read_all`] each does by default what the other one does: a source implements
/// the one that suits it.
pub trait Source: Send + Sync {
    /// Replaces the content of `bytes` with the file at `path` (relative to
    /// INPUT, `/`-separated), or with its first `at_most` bytes if it has more.
    /// The allocation is reused. Returns the stamp of the file.
    ///
    /// # Errors
    /// [`ReadError`] tells a file that cannot be used from an INPUT that cannot be
    /// reached.
    fn read(
        &self,
        path: &str,
        at_most: usize,
        bytes: &mut Vec<u8>,
    ) -> Result<SourceStamp, ReadError> {
        let mut file = [(path, std::mem::take(bytes))];
        let read = self.read_all(&mut file, at_most).pop();
        let [(_, read_bytes)] = file;
        *bytes = read_bytes;
        read.unwrap_or_else(|| {
            let text = "the source returned no result (a defect of the program)";
            Err(ReadError::unusable(Cause::System, text))
        })
    }

    /// Reads several files, each as [`Source::read`] does, into the buffers beside
    /// their paths. Returns a result for each, in their order. This is faster than
    /// reading one by one if requests are slow or files are neighbours.
    fn read_all(
        &self,
        files: &mut [(&str, Vec<u8>)],
        at_most: usize,
    ) -> Vec<Result<SourceStamp, ReadError>> {
        let files = files.iter_mut();
        files
            .map(|(path, bytes)| self.read(path, at_most, bytes))
            .collect()
    }

    /// Reads the first `at_most` bytes of the files at several paths, as [`Source::read_all`]
    /// does. Where several files make one plane, they are those of the first of them.
    fn read_heads(
        &self,
        files: &mut [(&str, Vec<u8>)],
        at_most: usize,
    ) -> Vec<Result<SourceStamp, ReadError>> {
        self.read_all(files, at_most)
    }

    /// Returns the stamp of the file at `path`, without reading the file.
    ///
    /// # Errors
    /// The errors of [`Source::read`].
    fn stamp(&self, path: &str) -> Result<SourceStamp, ReadError>;

    /// Most stamps of images that a plan keeps. A source that has a list of them keeps all.
    fn stamps_at_most(&self) -> usize {
        STAMPS_AT_MOST
    }

    /// Returns where a file lies in a tar; `None` if it lies in none.
    fn tar_place(&self, file: &str) -> Option<TarPlace<'_>> {
        let _ = file;
        None
    }

    /// Most image files of which one plane is made, and which are read together.
    fn files_a_plane(&self) -> usize {
        1
    }

    /// Planes that the source holds in memory for each call of [`Source::read_all`] beside
    /// those that it returns. It may keep those of [`KEPT_CALLS`] calls.
    fn planes_beside(&self) -> usize {
        0
    }

    /// Returns the size in bytes of the largest file, or of all files of a plane, that an
    /// image of `plane_bytes` can have. A larger one is not read.
    fn largest_file(&self, plane_bytes: usize) -> usize {
        let file = plane_bytes.saturating_mul(SAMPLES);
        let file = file.saturating_add(SURPLUS_BYTES);
        file.saturating_mul(self.files_a_plane())
    }

    /// Most headers of images that a plan reads.
    fn headers_at_most(&self) -> usize {
        HEADERS_AT_MOST
    }

    /// The calls by which this source is read fastest.
    fn read_hints(&self) -> ReadHints {
        ReadHints::DISK
    }
}

/// Most bytes of an image file beside its pixels, such as texts.
const SURPLUS_BYTES: usize = 8 << 20;
/// Most bytes of an uncompressed pixel in a file for each of its bytes in the array:
/// four samples, and filter bytes.
const SAMPLES: usize = 5;
