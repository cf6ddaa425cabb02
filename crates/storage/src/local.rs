//! Objects as files below a folder of a local disk.

mod direct_file;

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use ignore::WalkBuilder;

use self::direct_file::DirectFile;
use crate::platform::flush_folder;
use crate::regular_file::open_file;
use crate::store::{Store, StoreError, StoreErrorKind, StoredObject, WriteObject, WriteOutcome};

/// A [`Store`] on a local disk.
///
/// An object is written under a temporary name in `scratch`, flushed
/// (`fsync`), renamed to its key, and the folder that names it is flushed.
/// `scratch` lies outside the dataset, so that no torn file is ever seen inside
/// it, and must be on the same file system, so that the rename is atomic.
#[derive(Debug)]
pub struct LocalStore {
    root: PathBuf,
    scratch: PathBuf,
    /// Folders that hold objects of this store, and the folders above them up to
    /// `root`. If one of them is removed, it is not made again, because its objects
    /// are lost.
    known: Mutex<HashSet<PathBuf>>,
}

impl LocalStore {
    /// Makes a store below `root`, with temporary files in `scratch`. Neither needs
    /// to exist before the first [`Store::put`].
    pub fn new(root: impl Into<PathBuf>, scratch: impl Into<PathBuf>) -> Self {
        Self {
            root: root.into(),
            scratch: scratch.into(),
            known: Mutex::default(),
        }
    }

    /// Makes a store below `root` for reading only.
    pub fn read_only(root: impl Into<PathBuf>) -> Self {
        let root = root.into();
        // Without a put, nothing is written to the scratch folder.
        Self::new(root.clone(), root)
    }

    fn path(&self, key: &str) -> PathBuf {
        self.root.join(key)
    }

    /// Fails if a known folder was removed.
    fn refuse_removed(&self, folder: &Path) -> io::Result<()> {
        if folder.is_dir() {
            return Ok(());
        }
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let removed = self
            .folders_to(folder)
            .find(|folder| known.contains(*folder) && !folder.is_dir());
        match removed {
            Some(folder) => Err(io::Error::new(
                io::ErrorKind::NotFound,
                format!(
                    "somebody removed {} while it was being written; start over",
                    folder.display()
                ),
            )),
            None => Ok(()),
        }
    }

    /// Returns `folder` and the folders above it, up to the root.
    fn folders_to<'a>(&'a self, folder: &'a Path) -> impl Iterator<Item = &'a Path> {
        folder
            .ancestors()
            .take_while(|folder| folder.starts_with(&self.root))
    }

    /// Adds `folder` and the folders above it to the known folders.
    fn remember(&self, folder: &Path) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        for folder in self.folders_to(folder) {
            if !known.insert(folder.to_owned()) {
                break;
            }
        }
    }
}

impl LocalStore {
    /// Makes an object of the flushed file that `write` leaves at a temporary path,
    /// unless it decides to discard it.
    fn create(
        &self,
        key: &str,
        write: impl FnOnce(&Path) -> io::Result<WriteOutcome>,
    ) -> Result<WriteOutcome, StoreError> {
        let path = self.path(key);
        let folder = path.parent().unwrap_or(&self.root);
        self.refuse_removed(folder)
            .map_err(failed("write", &path))?;
        create_folder(&self.scratch).map_err(failed("create", &self.scratch))?;
        create_folder(folder).map_err(failed("create", folder))?;

        let temporary = self.scratch.join(new_temporary_name());
        let written = write(&temporary).map_err(failed("write", &path));
        if let Ok(WriteOutcome::Discard) = written {
            fs::remove_file(&temporary).map_err(failed("remove", &temporary))?;
            return Ok(WriteOutcome::Discard);
        }
        written
            .and_then(|_| fs::rename(&temporary, &path).map_err(failed("rename to", &path)))
            .inspect_err(|_| {
                // This frees space if the disk is full. The first error is reported.
                let _ = fs::remove_file(&temporary);
            })?;
        flush_folder(folder).map_err(failed("flush", folder))?;
        self.remember(folder);
        Ok(WriteOutcome::Store)
    }
}

impl Store for LocalStore {
    fn put(&self, key: &str, parts: &[&[u8]]) -> Result<(), StoreError> {
        self.create(key, |path| {
            let mut file = File::create(path)?;
            for part in parts {
                file.write_all(part)?;
            }
            file.sync_all()?;
            Ok(WriteOutcome::Store)
        })?;
        Ok(())
    }

    /// Returns 2: while one shard is flushed, the next one is written.
    fn writers(&self) -> usize {
        2
    }

    fn put_streamed(&self, key: &str, write: WriteObject<'_>) -> Result<WriteOutcome, StoreError> {
        self.create(key, |path| {
            let mut file = DirectFile::create(path)?;
            let outcome = write(&mut file)?;
            if outcome == WriteOutcome::Store {
                file.finish()?;
            }
            Ok(outcome)
        })
    }

    fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.get_at_most(key, u64::MAX)
    }

    fn get_at_most(&self, key: &str, at_most: u64) -> Result<Option<Vec<u8>>, StoreError> {
        let path = self.path(key);
        let (file, found) = match open_file(&path).map_err(io::Error::from) {
            Ok(opened) => opened,
            Err(error) if is_absent(&error) => return Ok(None),
            Err(error) => return Err(failed("read", &path)(error)),
        };
        let size = found.len();
        if size > at_most {
            let object = path.display().to_string();
            return Err(StoreError::too_large(object, size, at_most));
        }
        let mut bytes = Vec::new();
        let reserved = bytes.try_reserve_exact(usize::try_from(size).unwrap_or(usize::MAX));
        reserved
            .map_err(|_| io::ErrorKind::OutOfMemory.into())
            // A file that grows meanwhile is cut: its checksum shows it.
            .and_then(|()| file.take(size).read_to_end(&mut bytes))
            .map_err(failed("read", &path))?;
        Ok(Some(bytes))
    }

    fn get_range(&self, key: &str, range: Range<u64>) -> Result<Option<Vec<u8>>, StoreError> {
        let path = self.path(key);
        let (mut file, found) = match open_file(&path).map_err(io::Error::from) {
            Ok(opened) => opened,
            Err(error) if is_absent(&error) => return Ok(None),
            Err(error) => return Err(failed("read", &path)(error)),
        };
        let size = found.len();
        let length = range.end.checked_sub(range.start);
        let length = length.filter(|_| range.end <= size);
        let length = length.and_then(|length| usize::try_from(length).ok());
        let Some(length) = length else {
            let object = path.display().to_string();
            return Err(StoreError::beyond_end(object, &range, size));
        };
        let mut bytes = vec![0; length];
        file.seek(SeekFrom::Start(range.start))
            .and_then(|_| file.read_exact(&mut bytes))
            .map_err(failed("read", &path))?;
        Ok(Some(bytes))
    }

    fn remove(&self, key: &str) -> Result<(), StoreError> {
        let path = self.path(key);
        match fs::remove_file(&path) {
            Err(error) if is_absent(&error) => return Ok(()),
            result => result.map_err(failed("remove", &path))?,
        }
        let folder = path.parent().unwrap_or(&self.root);
        flush_folder(folder).map_err(failed("flush", folder))
    }

    fn list(&self) -> Result<Vec<StoredObject>, StoreError> {
        let mut objects = Vec::new();
        if !self.root.try_exists().map_err(failed("list", &self.root))? {
            return Ok(objects);
        }
        for entry in WalkBuilder::new(&self.root).standard_filters(false).build() {
            let entry = entry.map_err(list_error(&self.root))?;
            // The root itself may be a link to the folder.
            if entry.depth() == 0 || entry.file_type().is_none_or(|kind| kind.is_dir()) {
                continue;
            }
            let metadata = entry.metadata().map_err(list_error(entry.path()))?;
            // A link is read as the file to which it leads, if there is one.
            let is_link = metadata.is_symlink();
            let target = is_link.then(|| fs::metadata(entry.path()).ok()).flatten();
            let metadata = target.unwrap_or(metadata);
            let relative = entry
                .path()
                .strip_prefix(&self.root)
                .unwrap_or(entry.path());
            let key: Vec<_> = relative.iter().map(|part| part.to_string_lossy()).collect();
            objects.push(StoredObject {
                key: key.join("/"),
                size: metadata.len(),
            });
        }
        objects.sort_by(|a, b| a.key.cmp(&b.key));
        Ok(objects)
    }
}

/// Returns a name that no other store of this process uses: the stores of a
/// dataset and of its journal share a scratch folder.
fn new_temporary_name() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    format!("object-{}.tmp", NEXT.fetch_add(1, Ordering::Relaxed))
}

/// Whether a file of that name in a scratch folder is a temporary file of a
/// [`LocalStore`].
pub fn is_temporary(name: &str) -> bool {
    let number = name
        .strip_prefix("object-")
        .and_then(|name| name.strip_suffix(".tmp"));
    number.is_some_and(|number| number.parse::<u64>().is_ok())
}

fn failed<'a>(action: &'static str, path: &'a Path) -> impl Fn(io::Error) -> StoreError + 'a {
    move |error| StoreError::from_io(action, path.display().to_string(), error)
}

fn list_error(path: &Path) -> impl Fn(ignore::Error) -> StoreError + '_ {
    move |error| {
        let io = error.io_error().map(io::Error::kind);
        let kind = io.map_or(StoreErrorKind::Other, StoreErrorKind::of_io);
        StoreError::new("list", path.display().to_string(), kind, error)
    }
}

/// Whether no file has that name, or none can have it.
fn is_absent(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

/// Creates `folder` and the folders above it, and flushes the entry of each:
/// otherwise a crash could lose the name of a flushed file.
fn create_folder(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    if let Some(parent) = folder
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
    {
        create_folder(parent)?;
    }
    match fs::create_dir(folder) {
        // Another thread may have created it meanwhile.
        Err(error) if !folder.is_dir() => return Err(error),
        _ => {}
    }
    match folder.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => flush_folder(parent),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store(folder: &tempfile::TempDir) -> LocalStore {
        LocalStore::new(folder.path().join("data"), folder.path().join("data.tmp"))
    }

    #[test]
    fn a_disk_conforms() {
        let folder = tempfile::tempdir().unwrap();
        let again = LocalStore::read_only(folder.path().join("data"));
        crate::testing::conforms(&store(&folder), &again);
    }

    #[test]
    fn parts_are_joined_and_replaced_whole() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(&folder);
        store.put("a/b/c", &[b"one ", b"two"]).unwrap();
        assert_eq!(store.get("a/b/c").unwrap().unwrap(), b"one two");
        store.put("a/b/c", &[b"3"]).unwrap();
        assert_eq!(store.get("a/b/c").unwrap().unwrap(), b"3");
        assert_eq!(store.get("a/b/d").unwrap(), None);
    }

    #[test]
    fn large_objects_are_written_whole() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(&folder);
        let parts = [vec![1; 3 << 20], vec![2; (2 << 20) + 3]];
        store.put("a", &[&parts[0], &parts[1]]).unwrap();
        assert!(store.get("a").unwrap().unwrap() == parts.concat());
    }

    #[test]
    fn list_has_every_object_and_no_temporary_file() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(&folder);
        for key in ["z", "a/.hidden", "a/b"] {
            store.put(key, &[b"12"]).unwrap();
        }
        let keys: Vec<_> = store
            .list()
            .unwrap()
            .into_iter()
            .map(|o| (o.key, o.size))
            .collect();
        let expected = ["a/.hidden", "a/b", "z"].map(|key| (key.to_owned(), 2));
        assert_eq!(keys, expected);
        assert_eq!(
            fs::read_dir(folder.path().join("data.tmp"))
                .unwrap()
                .count(),
            0
        );
    }

    #[cfg(unix)]
    #[test]
    fn a_link_to_a_folder_is_that_folder() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(&folder);
        store.put("a/b", &[b"12"]).unwrap();
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(folder.path().join("data"), &link).unwrap();
        let linked = LocalStore::read_only(link);
        assert_eq!(linked.list().unwrap(), store.list().unwrap());
        assert_eq!(linked.list().unwrap().len(), 1);
    }

    #[test]
    fn a_removed_folder_is_not_made_again() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(&folder);
        let root = folder.path().join("data");
        store.put("a/b/c", &[b"1"]).unwrap();
        for removed in [root.join("a"), root.clone()] {
            fs::remove_dir_all(&removed).unwrap();
            for key in ["a/b/d", "a/e/f"] {
                let error = store.put(key, &[b"2"]).unwrap_err();
                let reason = error.source.to_string();
                assert!(
                    reason.starts_with("somebody removed ") && error.object.ends_with(key),
                    "{error}: {reason}"
                );
            }
            assert!(!removed.exists());
        }
    }

    #[test]
    fn a_failed_put_names_the_object_and_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(&folder);
        store.put("a", &[b"a file, not a folder"]).unwrap();
        let error = store.put("a/b", &[b"x"]).unwrap_err();
        assert!(error.object.ends_with("data/a"), "{error}");
        assert_eq!(store.list().unwrap().len(), 1);
        assert_eq!(
            fs::read_dir(folder.path().join("data.tmp"))
                .unwrap()
                .count(),
            0
        );
    }

    #[cfg(unix)]
    #[test]
    fn missing_permissions_are_of_the_kind_denied() {
        use std::os::unix::fs::PermissionsExt;

        let folder = tempfile::tempdir().unwrap();
        let store = store(&folder);
        store.put("a/b", &[b"12"]).unwrap();
        let closed = folder.path().join("data/a");
        let permit = |mode| fs::set_permissions(&closed, fs::Permissions::from_mode(mode)).unwrap();
        permit(0);
        let errors = [
            store.get("a/b").err(),
            store.put("a/c", &[b"12"]).err(),
            store.remove("a/b").err(),
            store.list().err(),
        ];
        permit(0o700);
        // The superuser has all permissions and gets no error.
        for error in errors.into_iter().flatten() {
            assert_eq!(error.kind, StoreErrorKind::Denied, "{error:?}");
        }
    }
}
