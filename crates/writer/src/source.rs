//! Where the bytes of the images come from.

use std::error::Error;
use std::fmt;
use std::fs::{File, FileType, Metadata, OpenOptions};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use serde::{Deserialize, Serialize};

use crate::archive::EntryError;
use crate::store::StoreError;

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
pub struct Reading {
    /// Calls of [`Source::read_all`] at once, at least.
    pub calls: usize,
    /// Bytes of pixels whose files one call asks for, at most; of one chunk it
    /// asks for all in any case.
    pub pixel_bytes: usize,
    /// Whether calls take much the same time. Where some take far longer, more
    /// is read ahead of them, in more memory.
    pub is_steady: bool,
}

impl Reading {
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
    fn reading(&self) -> Reading {
        Reading::DISK
    }
}

/// What keeps all of INPUT from being read, and not just one image of it: no
/// connection, no permission, another archive in its place. To take it for a bad
/// image would be to take every image for one.
#[derive(Clone, Debug)]
pub(crate) struct Lost(Arc<StoreError>);

impl Lost {
    /// Whether that is what `error` is about.
    pub(crate) fn is(error: &io::Error) -> bool {
        error.get_ref().is_some_and(|inner| inner.is::<Self>())
    }

    /// `error` once more, for another file.
    pub(crate) fn again(error: &io::Error) -> io::Error {
        let lost = error.get_ref().and_then(|inner| inner.downcast_ref());
        match lost {
            Some(lost) => io::Error::other(Self::clone(lost)),
            None => io::Error::new(error.kind(), error.to_string()),
        }
    }
}

impl From<StoreError> for Lost {
    fn from(error: StoreError) -> Self {
        Self(Arc::new(error))
    }
}

impl From<Lost> for io::Error {
    fn from(lost: Lost) -> Self {
        Self::other(lost)
    }
}

/// Whoever reports it says what was to be read.
impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.source.fmt(f)
    }
}

impl Error for Lost {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source.source()
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
        let (file, found) = open_file(&self.root.join(path))?;
        // Told the size, one call reads it all.
        let stamp = stamp(&found);
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

/// Opens a regular file, and nothing else, for reading; also returns what is
/// known of it. A pipe would keep its reader waiting for ever.
///
/// # Errors
/// What the file system said, or what there is in place of a file.
pub(crate) fn open_file(path: &Path) -> io::Result<(File, Metadata)> {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, libc::O_NONBLOCK);
    let no_file = |kind| io::Error::new(io::ErrorKind::InvalidInput, no_file(kind));
    let file = options.open(path).map_err(|error| match path.metadata() {
        // A socket cannot even be opened, and the system's words for that are
        // "No such device or address".
        Ok(found) if !found.is_file() && !found.is_dir() => no_file(found.file_type()),
        _ => error,
    })?;
    let found = file.metadata()?;
    if found.is_file() {
        Ok((file, found))
    } else {
        Err(no_file(found.file_type()))
    }
}

/// A short name of why an image could not be read, for counting.
pub(crate) fn cause(error: &io::Error) -> &'static str {
    let inner = error.get_ref();
    if let Some(error) = inner.and_then(|inner| inner.downcast_ref::<EntryError>()) {
        return error.cause();
    }
    match error.kind() {
        io::ErrorKind::InvalidInput => "not_a_file",
        io::ErrorKind::NotFound => "vanished",
        io::ErrorKind::PermissionDenied => "permission",
        io::ErrorKind::FileTooLarge => "too_large",
        _ => "unreadable",
    }
}

fn no_file(kind: FileType) -> &'static str {
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;
        if kind.is_fifo() {
            return "it is a pipe, not a file";
        }
        if kind.is_socket() {
            return "it is a socket, not a file";
        }
    }
    if kind.is_dir() {
        "it is a folder, not a file"
    } else {
        "it is not a regular file"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn what_is_no_file_is_said_and_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let source = FolderSource::new(folder.path());
        let pipe = folder.path().join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status();
        assert!(made.unwrap().success());
        let socket = folder.path().join("socket");
        let _open = std::os::unix::net::UnixListener::bind(socket).unwrap();
        std::os::unix::fs::symlink("/dev/zero", folder.path().join("device")).unwrap();
        std::os::unix::fs::symlink("loop", folder.path().join("loop")).unwrap();
        std::fs::create_dir(folder.path().join("folder")).unwrap();
        for (name, said) in [
            ("pipe", "it is a pipe, not a file"),
            ("socket", "it is a socket, not a file"),
            ("device", "it is not a regular file"),
            ("folder", "it is a folder, not a file"),
            ("loop", "Too many levels of symbolic links"),
            ("absent", "No such file"),
        ] {
            let error = source.read(name, 9, &mut Vec::new()).unwrap_err();
            assert!(error.to_string().contains(said), "{name}: {error}");
        }
    }

    #[test]
    fn no_more_is_read_than_is_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        let large = File::create(folder.path().join("large")).unwrap();
        large.set_len(1 << 40).unwrap();
        let source = FolderSource::new(folder.path());
        let mut bytes = Vec::new();
        source.read("large", 9, &mut bytes).unwrap();
        assert_eq!(bytes, [0; 9]);
        assert!(bytes.capacity() < 1 << 20);
        assert_eq!(source.stamp("large").unwrap().bytes, 1 << 40);
    }
}
