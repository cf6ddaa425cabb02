//! A folder of a local disk as INPUT.

use std::fs::Metadata;
use std::io::Read;
use std::path::PathBuf;
use std::time::UNIX_EPOCH;

use rxrx_storage::open_file;

use crate::read_error::ReadError;
use crate::source::{Source, SourceStamp};

/// A [`Source`] of the files in a folder of a local disk.
#[derive(Clone, Debug)]
pub struct FolderSource {
    root: PathBuf,
}

impl FolderSource {
    /// Makes a source of the files below `root`.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }
}

impl Source for FolderSource {
    fn read(
        &self,
        path: &str,
        at_most: usize,
        bytes: &mut Vec<u8>,
    ) -> Result<SourceStamp, ReadError> {
        bytes.clear();
        let (file, found) = open_file(&self.root.join(path))?;
        // With enough room for the whole file, one call reads it.
        let stamp = stamp(&found);
        let size = usize::try_from(stamp.bytes).unwrap_or(usize::MAX);
        bytes.reserve(size.min(at_most).saturating_add(1));
        file.take(at_most as u64).read_to_end(bytes)?;
        Ok(stamp)
    }

    fn stamp(&self, path: &str) -> Result<SourceStamp, ReadError> {
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

#[cfg(test)]
mod tests {
    use std::fs::File;

    use super::*;

    #[cfg(unix)]
    #[test]
    fn pipes_and_other_non_files_are_refused_at_once() {
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
    fn at_most_the_requested_bytes_are_read() {
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
