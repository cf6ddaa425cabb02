//! Where the bytes of the images come from.

use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::path::PathBuf;
use std::time::UNIX_EPOCH;

use serde::{Deserialize, Serialize};

/// By what one notices that a file is no longer the one that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceStamp {
    /// Size in bytes.
    pub bytes: u64,
    /// Changes whenever the content does; `None` where nothing is known. On a
    /// disk it is the time of the last change, in nanoseconds since 1970.
    pub version: Option<u64>,
}

impl SourceStamp {
    /// Whether a file with the stamp `now` may be the one that had this stamp.
    pub fn may_be(self, now: Self) -> bool {
        let version = self.version.zip(now.version);
        self.bytes == now.bytes && version.is_none_or(|(then, now)| then == now)
    }
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

    /// The stamp of the file at `path`, without reading it.
    ///
    /// # Errors
    /// As [`Source::read`].
    fn stamp(&self, path: &str) -> io::Result<SourceStamp>;
}

/// A [`Source`] that is a folder of a local disk.
#[derive(Clone, Debug)]
pub struct FolderSource {
    root: PathBuf,
}

impl FolderSource {
    /// Reads files below `root`.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }
}

impl Source for FolderSource {
    fn read(&self, path: &str, at_most: usize, bytes: &mut Vec<u8>) -> io::Result<SourceStamp> {
        bytes.clear();
        let file = File::open(self.root.join(path))?;
        // Told the size, one call reads it all.
        let stamp = stamp(&file.metadata()?);
        let size = usize::try_from(stamp.bytes).unwrap_or(usize::MAX);
        bytes.reserve(size.min(at_most).saturating_add(1));
        file.take(at_most as u64).read_to_end(bytes)?;
        Ok(stamp)
    }

    fn stamp(&self, path: &str) -> io::Result<SourceStamp> {
        Ok(stamp(&self.root.join(path).metadata()?))
    }
}

fn stamp(metadata: &Metadata) -> SourceStamp {
    let modified = metadata.modified().ok();
    let since_epoch = modified.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    SourceStamp {
        bytes: metadata.len(),
        version: since_epoch.and_then(|time| u64::try_from(time.as_nanos()).ok()),
    }
}
