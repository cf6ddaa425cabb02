//! Where the bytes of the images come from.

use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;

/// Reads whole image files by their path inside INPUT.
pub trait Source: Send + Sync {
    /// Replaces the content of `bytes` with the file at `path` (relative to
    /// INPUT, `/`-separated), or with its first `at_most` bytes where it has
    /// more, keeping the allocation.
    ///
    /// # Errors
    /// What the file system or the store said; the caller knows the path.
    fn read(&self, path: &str, at_most: usize, bytes: &mut Vec<u8>) -> io::Result<()>;

    /// The size of the file at `path` in bytes, without reading it.
    ///
    /// # Errors
    /// As [`Source::read`].
    fn size(&self, path: &str) -> io::Result<u64>;
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
    fn read(&self, path: &str, at_most: usize, bytes: &mut Vec<u8>) -> io::Result<()> {
        bytes.clear();
        let file = File::open(self.root.join(path))?;
        // Told the size, one call reads it all.
        let size = usize::try_from(file.metadata()?.len()).unwrap_or(usize::MAX);
        bytes.reserve(size.min(at_most).saturating_add(1));
        file.take(at_most as u64).read_to_end(bytes)?;
        Ok(())
    }

    fn size(&self, path: &str) -> io::Result<u64> {
        Ok(self.root.join(path).metadata()?.len())
    }
}
