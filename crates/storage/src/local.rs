//! Objects as files below a folder of a local disk.

use std::collections::{BTreeSet, HashSet};
use std::fs::{self, Metadata, OpenOptions};
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::UNIX_EPOCH;

use ignore::WalkBuilder;

use crate::remote::{Fence, wait_until_open};
use crate::store::{
    Store, StoreError, StoreErrorKind, StoredObject, Streamed, WriteObject, WriteOutcome,
};
use crate::temporary::{is_remnant, new_temporary_name};
use crate::version::Version;
use rxrx_platform::DirectFile;
use rxrx_platform::file_number;
use rxrx_platform::open_file;
use rxrx_platform::{create_folder, flush_names};

/// A [`Store`] on a local disk.
///
/// An object is written under a temporary name in `scratch`, flushed
/// (`fsync`), renamed to its key, and the folder that names it is flushed.
/// `scratch` lies outside the dataset, so that no torn file is ever seen inside
/// it, and must be on the same file system, so that the rename is atomic.
pub struct LocalStore {
    root: PathBuf,
    scratch: PathBuf,
    /// Folders that hold objects of this store, and the folders above them up to
    /// `root`. If one of them is removed, it is not made again, because its objects
    /// are lost.
    known: Mutex<HashSet<PathBuf>>,
    /// The check before each rename and each removal.
    fence: Option<Arc<dyn Fence>>,
    /// The beginning of the names of temporary files, which tells whose they are.
    owner: String,
    /// A folder of another, faster disk, in which streamed objects are written first.
    first: Option<PathBuf>,
}

impl LocalStore {
    /// Makes a store below `root`, with temporary files in `scratch`. Neither needs
    /// to exist before the first [`Store::put`].
    pub fn new(root: impl Into<PathBuf>, scratch: impl Into<PathBuf>) -> Self {
        Self {
            root: root.into(),
            scratch: scratch.into(),
            known: Mutex::default(),
            fence: None,
            owner: String::new(),
            first: None,
        }
    }

    /// Makes the names of temporary files begin with `owner`, which has hexadecimal digits only,
    /// so that [`remove_temporaries`](crate::temporary::remove_temporaries) finds them.
    #[must_use]
    pub(crate) fn owned(self, owner: &str) -> Self {
        Self {
            owner: owner.to_owned(),
            ..self
        }
    }

    /// Makes the store write streamed objects into a file of `folder` first, and then in one go to
    /// their place: many small writes can be slow on a file system that machines share.
    #[must_use]
    pub(crate) fn written_first_in(self, folder: Option<PathBuf>) -> Self {
        Self {
            first: folder,
            ..self
        }
    }

    /// Makes the store ask `fence` before it changes an object.
    #[must_use]
    pub fn fenced(self, fence: Arc<dyn Fence>) -> Self {
        Self {
            fence: Some(fence),
            ..self
        }
    }

    /// Waits until this process may write.
    fn check(&self) -> io::Result<()> {
        match &self.fence {
            Some(fence) => wait_until_open(fence.as_ref()).map_err(io::Error::other),
            None => Ok(()),
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

    /// Creates `folder` and the folders above it. Where this store has put an object,
    /// their names were flushed.
    fn create_folder(&self, folder: &Path) -> io::Result<()> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let is_known = known.contains(folder);
        drop(known);
        if is_known {
            return Ok(());
        }
        create_folder(folder)
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
    ) -> Result<Streamed, StoreError> {
        let path = self.path(key);
        let folder = path.parent().unwrap_or(&self.root);
        self.refuse_removed(folder)
            .map_err(failed("write", &path))?;
        // Nobody needs the names in it after a loss of power.
        fs::create_dir_all(&self.scratch).map_err(failed("create", &self.scratch))?;
        self.create_folder(folder)
            .map_err(failed("create", folder))?;

        let name =
            new_temporary_name(&self.owner).map_err(failed("name a file in", &self.scratch))?;
        let temporary = self.scratch.join(name);
        let written = write(&temporary).map_err(failed("write", &path));
        if let Ok(WriteOutcome::Discard) = written {
            match fs::remove_file(&temporary) {
                // It was discarded before it was written to its place.
                Err(error) if is_absent(&error) => {}
                removed => removed.map_err(failed("remove", &temporary))?,
            }
            return Ok(Streamed::Discarded);
        }
        let version = written
            .and_then(|_| {
                // The file keeps its number and its time when it gets its name, which another
                // process can give to a file of its own at any moment.
                let version = fs::metadata(&temporary).map_err(failed("look at", &temporary))?;
                let renamed = self.check().and_then(|()| fs::rename(&temporary, &path));
                renamed.map_err(failed("rename to", &path))?;
                Ok(version_of(&version))
            })
            .inspect_err(|_| {
                // This frees space if the disk is full. The first error is reported.
                let _ = fs::remove_file(&temporary);
            })?;
        flush_names(folder).map_err(failed("flush", folder))?;
        self.remember(folder);
        Ok(Streamed::Stored(Some(version)))
    }
}

impl Store for LocalStore {
    fn put(&self, key: &str, parts: &[&[u8]]) -> Result<(), StoreError> {
        self.create(key, |path| {
            let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
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

    fn put_streamed(&self, key: &str, write: WriteObject<'_>) -> Result<Streamed, StoreError> {
        if let Some(folder) = &self.first {
            return self.create(key, |path| write_first_in(folder, write, path));
        }
        self.create(key, |path| {
            let mut file = DirectFile::create_new(path)?;
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
        let read = self.get_range_of(key, range, None)?;
        Ok(read.map(|(bytes, _)| bytes))
    }

    fn get_range_of(
        &self,
        key: &str,
        range: Range<u64>,
        seen: Option<&Version>,
    ) -> Result<Option<(Vec<u8>, Version)>, StoreError> {
        let mut bytes = Vec::new();
        let version = self.get_range_into(key, range, seen, &mut bytes)?;
        Ok(version.map(|version| (bytes, version)))
    }

    fn get_range_into(
        &self,
        key: &str,
        range: Range<u64>,
        seen: Option<&Version>,
        bytes: &mut Vec<u8>,
    ) -> Result<Option<Version>, StoreError> {
        let path = self.path(key);
        let (mut file, found) = match open_file(&path).map_err(io::Error::from) {
            Ok(opened) => opened,
            Err(error) if is_absent(&error) => return Ok(None),
            Err(error) => return Err(failed("read", &path)(error)),
        };
        let version = version_of(&found);
        if seen.is_some_and(|seen| *seen != version) {
            return Err(StoreError::replaced(path.display().to_string()));
        }
        let size = found.len();
        let length = range.end.checked_sub(range.start);
        let length = length.filter(|_| range.end <= size);
        let length = length.and_then(|length| usize::try_from(length).ok());
        let Some(length) = length else {
            let object = path.display().to_string();
            return Err(StoreError::beyond_end(object, &range, size));
        };
        let reserved = bytes.try_reserve(length.saturating_sub(bytes.len()));
        reserved
            .map_err(|_| io::ErrorKind::OutOfMemory.into())
            .and_then(|()| file.seek(SeekFrom::Start(range.start)))
            .and_then(|_| {
                // Only bytes beyond the former content are filled with zeros first.
                bytes.resize(length, 0);
                file.read_exact(bytes)
            })
            .map_err(failed("read", &path))?;
        Ok(Some(version))
    }

    fn remove(&self, key: &str) -> Result<(), StoreError> {
        let path = self.path(key);
        self.check().map_err(failed("remove", &path))?;
        match fs::remove_file(&path) {
            // The process that removed it may have been killed before it flushed.
            Err(error) if is_absent(&error) => return self.flush_name(key),
            result => result.map_err(failed("remove", &path))?,
        }
        let folder = path.parent().unwrap_or(&self.root);
        flush_names(folder).map_err(failed("flush", folder))?;
        Ok(())
    }

    /// Flushes each folder once, behind the removals in it.
    fn remove_all(&self, keys: &[String]) -> Result<(), StoreError> {
        let mut folders = BTreeSet::new();
        for key in keys {
            let path = self.path(key);
            self.check().map_err(failed("remove", &path))?;
            match fs::remove_file(&path) {
                // The process that removed it may have been killed before it flushed.
                Err(error) if is_absent(&error) => self.flush_name(key)?,
                removed => removed.map_err(failed("remove", &path))?,
            }
            folders.extend(path.parent().map(Path::to_owned));
        }
        for folder in folders.iter().filter(|folder| folder.is_dir()) {
            flush_names(folder).map_err(failed("flush", folder))?;
        }
        Ok(())
    }

    fn version(&self, key: &str) -> Result<Option<Version>, StoreError> {
        let path = self.path(key);
        match fs::metadata(&path) {
            Err(error) if is_absent(&error) => Ok(None),
            found => Ok(Some(version_of(&found.map_err(failed("look at", &path))?))),
        }
    }

    fn sizes(&self, keys: &[&str]) -> Result<Vec<Option<u64>>, StoreError> {
        let size = |key: &&str| Ok(self.size_and_version(key)?.map(|(size, _)| size));
        keys.iter().map(size).collect()
    }

    fn size_and_version(&self, key: &str) -> Result<Option<(u64, Version)>, StoreError> {
        let path = self.path(key);
        match fs::metadata(&path) {
            Err(error) if is_absent(&error) => Ok(None),
            // A folder is no object.
            Ok(found) if !found.is_file() => Ok(None),
            found => {
                let found = found.map_err(failed("look at", &path))?;
                Ok(Some((found.len(), version_of(&found))))
            }
        }
    }

    /// Gives the file a second name. Only a file system without such names, on which the
    /// file loses its first one, can lose both in a loss of power.
    fn bring(&self, from: &str, key: &str) -> Result<(), StoreError> {
        let (source, path) = (self.scratch.join(from), self.path(key));
        let folder = path.parent().unwrap_or(&self.root);
        self.create_folder(folder)
            .map_err(failed("create", folder))?;
        // A rename of one name of a file to another one would do nothing.
        if !same_file::is_same_file(&source, &path).unwrap_or(false) {
            let name =
                new_temporary_name(&self.owner).map_err(failed("name a file in", &self.scratch))?;
            let second = self.scratch.join(name);
            self.check().map_err(failed("rename to", &path))?;
            let named = match fs::hard_link(&source, &second) {
                Ok(()) => fs::rename(&second, &path),
                Err(error) if error.kind() == io::ErrorKind::NotFound => Err(error),
                Err(_) => fs::rename(&source, &path),
            };
            named.map_err(failed("rename to", &path))?;
        }
        flush_names(folder).map_err(failed("flush", folder))?;
        self.remember(folder);
        Ok(())
    }

    fn flush_name(&self, key: &str) -> Result<(), StoreError> {
        let path = self.path(key);
        let folders = self.folders_to(path.parent().unwrap_or(&self.root));
        for folder in folders.filter(|folder| folder.is_dir()) {
            flush_names(folder).map_err(failed("flush", folder))?;
        }
        Ok(())
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
            if entry.file_name().to_str().is_some_and(is_remnant) {
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

/// Writes an object into a file without a name in `folder`, and then to `path`.
fn write_first_in(folder: &Path, write: WriteObject<'_>, path: &Path) -> io::Result<WriteOutcome> {
    let in_folder = |error: io::Error| {
        let text = format!(
            "cannot use the folder of --scratch, {}: {error}",
            folder.display()
        );
        io::Error::new(error.kind(), text)
    };
    let mut first = BufWriter::new(tempfile::tempfile_in(folder).map_err(in_folder)?);
    let outcome = write(&mut first)?;
    if outcome == WriteOutcome::Store {
        let mut first = first.into_inner().map_err(io::IntoInnerError::into_error)?;
        first.rewind()?;
        let mut file = DirectFile::create_new(path)?;
        io::copy(&mut first, &mut file)?;
        file.finish()?;
    }
    Ok(outcome)
}

/// Returns the version of a file.
fn version_of(file: &Metadata) -> Version {
    let changed = file.modified().ok();
    let changed = changed.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    let nanoseconds = changed.map_or(0, |since| since.as_nanos());
    let (number, size) = (file_number(file), file.len());
    Version::of_tag(format!("{number}-{size}-{nanoseconds}"))
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
    fn objects_of_the_scratch_folder_are_brought() {
        let folder = tempfile::tempdir().unwrap();
        let work = folder.path().join("work");
        let store = LocalStore::new(folder.path().join("data"), &work);
        let work = LocalStore::new(&work, &work);
        crate::testing::objects_are_brought(&store, &work);
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

    /// Who may write to the scratch folder cannot guess the name of the next file.
    #[cfg(unix)]
    #[test]
    fn links_in_the_scratch_folder_are_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let victim = folder.path().join("victim");
        fs::write(&victim, "text of a user").unwrap();
        let scratch = folder.path().join("data.tmp");
        fs::create_dir(&scratch).unwrap();
        for number in 0..1000 {
            let link = scratch.join(format!("object-{number}.tmp"));
            std::os::unix::fs::symlink(&victim, link).unwrap();
        }
        let store = store(&folder);
        store.put("a", &[b"1"]).unwrap();
        let write: WriteObject<'_> = Box::new(|file| {
            file.write_all(b"2")?;
            Ok(WriteOutcome::Store)
        });
        store.put_streamed("b", write).unwrap();
        assert_eq!(fs::read(&victim).unwrap(), b"text of a user");
        assert_eq!(store.get("a").unwrap().unwrap(), b"1");
        assert_eq!(store.get("b").unwrap().unwrap(), b"2");
    }

    #[test]
    fn removed_files_that_a_file_system_keeps_are_no_objects() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(&folder);
        for key in ["a/.nfs", "a/.nfsx", "a/b", ".fuse_hidden", "nfs1"] {
            store.put(key, &[b"12"]).unwrap();
        }
        let before = store.list().unwrap();
        assert_eq!(before.len(), 5);
        for name in [
            ".nfs1",
            "a/.nfs00000000018c21f600000001",
            ".fuse_hidden0000000a00000001",
        ] {
            fs::write(folder.path().join("data").join(name), "").unwrap();
        }
        assert_eq!(store.list().unwrap(), before);
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
