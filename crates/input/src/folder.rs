//! A folder of a local disk as INPUT.

use std::fs::{self, Metadata};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use rxrx_storage::{OpenFileError, open_file};

use crate::faults::Faults;
use crate::read_error::ReadError;
use crate::source::{Source, SourceStamp};

/// Most bytes of another image that are read to learn whether INPUT is still there.
const PROBE_BYTES: usize = 64 << 10;

/// A [`Source`] of the files in a folder of a local disk.
#[derive(Clone)]
pub struct FolderSource {
    root: PathBuf,
    files: Arc<dyn ReadFiles>,
    faults: Arc<Faults>,
}

impl FolderSource {
    /// Makes a source of the files below `root`.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self {
            root: root.into(),
            files: Arc::new(Disk),
            faults: Arc::new(Faults::default()),
        }
    }

    /// Reads the beginning of another image, or lists the root where none is given.
    fn probe(&self, other: Option<&str>) -> Result<(), String> {
        let found = self.faults.retry(|| match other {
            Some(other) => {
                let path = self.root.join(other);
                self.files.read(&path, PROBE_BYTES, &mut Vec::new())?;
                Ok(())
            }
            None => Ok(self.files.list(&self.root)?),
        });
        found.map_err(|error| error.to_string())
    }

    /// Calls `work` by the rules of [`Faults`].
    fn by_the_rules<T>(
        &self,
        path: &str,
        work: impl FnMut() -> Result<T, OpenFileError>,
    ) -> Result<T, ReadError> {
        let done = self.faults.retry(work);
        done.map_err(|error| {
            self.faults
                .judge(path, error, &|other: Option<&str>| self.probe(other))
        })
    }
}

impl Source for FolderSource {
    fn read(
        &self,
        path: &str,
        at_most: usize,
        bytes: &mut Vec<u8>,
    ) -> Result<SourceStamp, ReadError> {
        let file = self.root.join(path);
        let stamp = self.by_the_rules(path, || self.files.read(&file, at_most, bytes))?;
        self.faults.note_good(path);
        Ok(stamp)
    }

    fn stamp(&self, path: &str) -> Result<SourceStamp, ReadError> {
        let file = self.root.join(path);
        self.by_the_rules(path, || Ok(self.files.stamp(&file)?))
    }
}

/// The calls of the file system that a [`FolderSource`] needs. Tests let them fail.
trait ReadFiles: Send + Sync {
    /// Replaces `bytes` with the first `at_most` bytes of a file.
    fn read(
        &self,
        path: &Path,
        at_most: usize,
        bytes: &mut Vec<u8>,
    ) -> Result<SourceStamp, OpenFileError>;

    /// Returns the stamp of a file.
    fn stamp(&self, path: &Path) -> io::Result<SourceStamp>;

    /// Begins to list a folder.
    fn list(&self, path: &Path) -> io::Result<()>;
}

/// The file system.
struct Disk;

impl ReadFiles for Disk {
    fn read(
        &self,
        path: &Path,
        at_most: usize,
        bytes: &mut Vec<u8>,
    ) -> Result<SourceStamp, OpenFileError> {
        bytes.clear();
        let (file, found) = open_file(path)?;
        // With enough room for the whole file, one call reads it.
        let stamp = stamp(&found);
        let size = usize::try_from(stamp.bytes).unwrap_or(usize::MAX);
        bytes.reserve(size.min(at_most).saturating_add(1));
        file.take(at_most as u64).read_to_end(bytes)?;
        Ok(stamp)
    }

    fn stamp(&self, path: &Path) -> io::Result<SourceStamp> {
        Ok(stamp(&path.metadata()?))
    }

    fn list(&self, path: &Path) -> io::Result<()> {
        match fs::read_dir(path)?.next() {
            Some(entry) => entry.map(drop),
            None => Err(io::Error::other("the folder is empty")),
        }
    }
}

/// Stamp of a file: its size and the time of its last change.
pub(crate) fn stamp(metadata: &Metadata) -> SourceStamp {
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
    use std::sync::Mutex;
    use std::time::Duration;

    use super::*;
    use crate::faults::IN_A_ROW;

    const EIO: i32 = 5;
    const EMFILE: i32 = 24;
    const ESTALE: i32 = 116;

    /// A disk whose calls fail: each read of a file takes the next error of its
    /// list; 0 is no error, and the last one stays.
    #[derive(Default)]
    struct Failing(Mutex<std::collections::BTreeMap<String, Vec<i32>>>);

    impl Failing {
        fn next(&self, path: &Path) -> io::Result<()> {
            let name = path.file_name().unwrap().to_str().unwrap();
            let mut all = self.0.lock().unwrap();
            let code = match all.get_mut(name) {
                Some(codes) if codes.len() > 1 => codes.remove(0),
                Some(codes) => codes[0],
                None => 0,
            };
            if code == 0 {
                return Ok(());
            }
            Err(io::Error::from_raw_os_error(code))
        }

        fn set(&self, name: &str, codes: &[i32]) {
            self.0.lock().unwrap().insert(name.into(), codes.into());
        }
    }

    impl ReadFiles for Failing {
        fn read(
            &self,
            path: &Path,
            at_most: usize,
            bytes: &mut Vec<u8>,
        ) -> Result<SourceStamp, OpenFileError> {
            self.next(path)?;
            Disk.read(path, at_most, bytes)
        }
        fn stamp(&self, path: &Path) -> io::Result<SourceStamp> {
            self.next(path)?;
            Disk.stamp(path)
        }
        fn list(&self, path: &Path) -> io::Result<()> {
            self.next(path)?;
            Disk.list(path)
        }
    }

    /// A folder of files `0`, `1`, …, each with its number as content, on a disk
    /// whose calls can be made to fail.
    fn failing(files: usize) -> (tempfile::TempDir, Arc<Failing>, FolderSource) {
        let folder = tempfile::tempdir().unwrap();
        for file in 0..files {
            fs::write(folder.path().join(file.to_string()), file.to_string()).unwrap();
        }
        let disk = Arc::new(Failing::default());
        let source = FolderSource {
            files: Arc::clone(&disk) as Arc<dyn ReadFiles>,
            faults: Arc::new(Faults::with_pauses(&[Duration::ZERO; 3])),
            ..FolderSource::new(folder.path())
        };
        (folder, disk, source)
    }

    fn read(source: &FolderSource, name: &str) -> Result<String, ReadError> {
        let mut bytes = Vec::new();
        source.read(name, 99, &mut bytes)?;
        Ok(String::from_utf8(bytes).unwrap())
    }

    /// The cause of a file that cannot be used, or the text of an INPUT that cannot
    /// be read any more.
    fn fault(source: &FolderSource, name: &str) -> Result<&'static str, String> {
        match read(source, name).unwrap_err() {
            ReadError::Unusable { cause, .. } => Ok(cause.as_str()),
            ReadError::Unreachable(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn reads_whose_error_passes_are_repeated() {
        let (_folder, disk, source) = failing(2);
        for code in [EIO, EMFILE, ESTALE] {
            disk.set("1", &[code, code, code, 0]);
            assert_eq!(read(&source, "1").unwrap(), "1");
            disk.set("1", &[code, code, code, 0]);
            assert_eq!(source.stamp("1").unwrap().bytes, 1);
        }
    }

    #[test]
    fn an_error_that_stays_on_one_file_makes_it_unusable_if_another_one_is_readable() {
        let (_folder, disk, source) = failing(3);
        read(&source, "0").unwrap();
        for code in [EIO, ESTALE] {
            disk.set("1", &[code]);
            assert_eq!(fault(&source, "1"), Ok("unreadable"));
            // The error came late: its header was good.
            disk.set("2", &[0, code]);
            read(&source, "2").unwrap();
            assert_eq!(fault(&source, "2"), Ok("unreadable"));
        }
        disk.set("0", &[EIO]);
        disk.set("2", &[0]);
        read(&source, "2").unwrap();
        disk.set("2", &[EIO]);
        let error = fault(&source, "1").unwrap_err();
        for said in ["os error 116", "neither can 0 be read", "unmounted"] {
            assert!(error.contains(said), "{said} is not in {error}");
        }
    }

    #[test]
    fn an_error_of_the_device_ends_the_run_if_the_root_of_input_fails_too() {
        let (folder, disk, source) = failing(2);
        read(&source, "0").unwrap();
        disk.set("1", &[EIO]);
        let root = folder.path().file_name().unwrap().to_str().unwrap();
        disk.set(root, &[ESTALE]);
        let error = fault(&source, "1").unwrap_err();
        assert!(error.contains("neither can INPUT be read"), "{error}");
        disk.set(root, &[0]);
        assert_eq!(fault(&source, "1"), Ok("unreadable"));
    }

    #[test]
    fn an_error_of_the_machine_is_never_that_of_a_file() {
        let (_folder, disk, source) = failing(2);
        read(&source, "0").unwrap();
        disk.set("1", &[EMFILE]);
        let error = fault(&source, "1").unwrap_err();
        assert!(error.contains("os error 24"), "{error}");
        assert!(error.contains("ulimit"), "{error}");
    }

    #[test]
    fn many_errors_of_the_device_in_a_row_end_the_run() {
        let (_folder, disk, source) = failing(IN_A_ROW * 2 + 1);
        let last = (IN_A_ROW * 2).to_string();
        read(&source, &last).unwrap();
        let names: Vec<String> = (0..IN_A_ROW * 2).map(|file| file.to_string()).collect();
        for name in &names {
            disk.set(name, &[EIO]);
        }
        for name in &names[1..IN_A_ROW] {
            assert_eq!(fault(&source, name), Ok("unreadable"));
        }
        // A good read between starts the count anew; reading the other image does not.
        read(&source, &last).unwrap();
        for name in &names[1..IN_A_ROW] {
            assert_eq!(fault(&source, name), Ok("unreadable"));
        }
        let error = fault(&source, &names[IN_A_ROW]).unwrap_err();
        assert!(error.contains("16 times in a row"), "{error}");
    }

    #[test]
    fn a_file_that_is_gone_is_a_bad_image_unless_the_others_are_gone_too() {
        let (folder, _, source) = failing(4);
        let remove = |name: &str| fs::remove_file(folder.path().join(name)).unwrap();
        // Nothing was read yet: the root is looked at.
        assert_eq!(fault(&source, "none"), Ok("vanished"));
        read(&source, "0").unwrap();
        read(&source, "1").unwrap();
        for name in ["2", "3"] {
            remove(name);
            assert_eq!(fault(&source, name), Ok("vanished"));
        }
        remove("1");
        assert_eq!(fault(&source, "1"), Ok("vanished"), "0 is there");
        remove("0");
        let error = fault(&source, "2").unwrap_err();
        assert!(error.contains("neither can 0 be read"), "{error}");

        // No other image was read, so the folder itself is looked at.
        let (folder, _, source) = failing(1);
        fs::remove_dir_all(folder.path()).unwrap();
        let error = fault(&source, "0").unwrap_err();
        assert!(error.contains("neither can INPUT be read"), "{error}");
    }

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
