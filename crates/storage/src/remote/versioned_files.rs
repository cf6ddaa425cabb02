//! Small objects with conditional puts, as files of a file system that has no locks.
//!
//! The version N of the object `claims/lease.json` is the file `claims/lease.json.N`. A
//! file gets this name by link(2), which fails where the name exists, also between two
//! machines. The file with the highest number is the object. A put
//!
//! 1. writes a temporary file in the same folder,
//! 2. lists the folder, and fails unless the highest number N is the version that it is
//!    to replace,
//! 3. links the temporary file to N + 1, and fails if that name exists,
//! 4. lists the folder again, and takes its file back and fails if there is a higher
//!    number: it was away for so long that N + 1 came and went,
//! 5. removes the files with lower numbers.
//!
//! The object is removed with its folder, and so with the temporary file of every put
//! that was begun before. Such a put then finds nothing to link, so it cannot bring
//! back a version of an object that was removed meanwhile.

use std::fmt;
use std::fs::{self, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use object_store::path::Path as Key;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, GetResultPayload, ListResult, MultipartUpload,
    ObjectMeta, ObjectStore, PutMode, PutMultipartOptions, PutOptions, PutPayload, PutResult,
    Result,
};

use super::condition::Condition;
use rxrx_platform::open_file;

/// Name of this store in errors.
const STORE: &str = "file system";
/// Most bytes of an object that are read.
const BYTES_AT_MOST: u64 = 1 << 20;
/// How often a folder that changes is looked at again.
const REPEATS: usize = 20;

/// Objects below a folder, each in a folder of its own.
#[derive(Clone, Debug)]
pub(super) struct VersionedFiles(Arc<PathBuf>);

/// The files of one object.
struct Versions {
    folder: PathBuf,
    name: String,
}

/// Result of a put.
enum Put {
    /// It made the version with that number.
    Made(u64),
    /// Another version is there than the one to be replaced.
    Conflict,
}

impl VersionedFiles {
    pub(super) fn below(folder: &Path) -> Self {
        Self(Arc::new(folder.to_owned()))
    }

    fn versions(&self, key: &Key) -> Versions {
        let path = self.0.join(key.as_ref());
        let name = path.file_name().unwrap_or_default();
        Versions {
            name: name.to_string_lossy().into_owned(),
            folder: path.parent().unwrap_or(&self.0).to_owned(),
        }
    }
}

impl Versions {
    fn path(&self, number: u64) -> PathBuf {
        self.folder.join(format!("{}.{number}", self.name))
    }

    /// Returns the numbers of the versions, ascending; none where the folder is absent.
    fn numbers(&self) -> io::Result<Vec<u64>> {
        let entries = match fs::read_dir(&self.folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let mut numbers = Vec::new();
        for entry in entries {
            let name = entry?.file_name();
            let number = name.to_str().and_then(|name| {
                let number = name.strip_prefix(&self.name)?.strip_prefix('.')?;
                let parsed: u64 = number.parse().ok()?;
                (parsed.to_string() == number).then_some(parsed)
            });
            numbers.extend(number);
        }
        numbers.sort_unstable();
        Ok(numbers)
    }

    /// Returns the bytes of the latest version and its number.
    fn read(&self) -> io::Result<Option<(Vec<u8>, u64)>> {
        for _ in 0..REPEATS {
            let Some(&number) = self.numbers()?.last() else {
                return Ok(None);
            };
            let mut bytes = Vec::new();
            match open_file(&self.path(number)).map_err(io::Error::from) {
                // It was replaced meanwhile.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                opened => opened?.0.take(BYTES_AT_MOST).read_to_end(&mut bytes)?,
            };
            return Ok(Some((bytes, number)));
        }
        Err(io::Error::other("it changes each time it is read"))
    }

    /// Puts an object in place of the version with that number; of none, if there is no
    /// number.
    fn put(&self, bytes: &[u8], replaced: Option<u64>) -> io::Result<Put> {
        fs::create_dir_all(&self.folder)?;
        let mut random = [0; 8];
        getrandom::fill(&mut random)?;
        let temporary = self.folder.join(format!(".{}.tmp", hex::encode(random)));
        let put = self.put_from(&temporary, bytes, replaced);
        let _ = fs::remove_file(&temporary);
        match put {
            // The object was removed with its folder.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Put::Conflict),
            put => put,
        }
    }

    fn put_from(&self, temporary: &Path, bytes: &[u8], replaced: Option<u64>) -> io::Result<Put> {
        let mut options = OpenOptions::new();
        let mut file = options.write(true).create_new(true).open(temporary)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        drop(file);
        let there = self.numbers()?.last().copied();
        if there != replaced {
            return Ok(Put::Conflict);
        }
        let number = there.unwrap_or(0).saturating_add(1);
        let path = self.path(number);
        match fs::hard_link(temporary, &path) {
            // On NFS the answer to a link that was made can be lost; the repeated request
            // then finds the name.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                if !same_file::is_same_file(temporary, &path).unwrap_or(false) {
                    return Ok(Put::Conflict);
                }
            }
            linked => linked?,
        }
        let numbers = self.numbers()?;
        if numbers.last() != Some(&number) {
            let _ = fs::remove_file(&path);
            return Ok(Put::Conflict);
        }
        for lower in numbers {
            if lower < number {
                let _ = fs::remove_file(self.path(lower));
            }
        }
        Ok(Put::Made(number))
    }

    /// Removes the object, if it still is the `expected` version, and its folder.
    fn remove(&self, expected: Option<u64>) -> io::Result<Put> {
        let there = self.numbers()?.last().copied();
        if expected.is_some() && there != expected {
            return Ok(Put::Conflict);
        }
        for _ in 0..REPEATS {
            let entries = match fs::read_dir(&self.folder) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    return Ok(Put::Made(0));
                }
                entries => entries?,
            };
            // The latest version goes last: as long as it is there, late puts fail.
            let last = there.map(|number| self.path(number));
            for entry in entries {
                let path = entry?.path();
                if Some(&path) != last.as_ref() {
                    let _ = fs::remove_file(path);
                }
            }
            if let Some(last) = last {
                let _ = fs::remove_file(last);
            }
            // A put that was begun meanwhile has left a file.
            let _ = fs::remove_dir(&self.folder);
        }
        Err(io::Error::other("files appear in it again and again"))
    }
}

impl fmt::Display for VersionedFiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.display().fmt(f)
    }
}

#[async_trait]
impl ObjectStore for VersionedFiles {
    async fn put_opts(
        &self,
        location: &Key,
        payload: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        let versions = self.versions(location);
        let is_creation = matches!(options.mode, PutMode::Create);
        let replaced = match options.mode {
            PutMode::Create => None,
            PutMode::Update(version) => Some(number_of(version.e_tag.as_deref())?),
            PutMode::Overwrite => versions.numbers().map_err(generic)?.last().copied(),
        };
        match versions
            .put(&Bytes::from(payload), replaced)
            .map_err(generic)?
        {
            Put::Made(number) => Ok(PutResult {
                e_tag: Some(number.to_string()),
                version: None,
                extensions: Default::default(),
            }),
            Put::Conflict if is_creation => Err(Error::AlreadyExists {
                path: location.to_string(),
                source: "it is there already".into(),
            }),
            Put::Conflict => Err(changed(location)),
        }
    }

    async fn get_opts(&self, location: &Key, options: GetOptions) -> Result<GetResult> {
        let found = self.versions(location).read().map_err(generic)?;
        let (bytes, number) = found.ok_or_else(|| Error::NotFound {
            path: location.to_string(),
            source: "there is no version of it".into(),
        })?;
        let meta = ObjectMeta {
            location: location.clone(),
            last_modified: Default::default(),
            size: bytes.len() as u64,
            e_tag: Some(number.to_string()),
            version: None,
        };
        options.check_preconditions(&meta)?;
        let range = 0..meta.size;
        let content = stream::once(async move { Ok(Bytes::from(bytes)) });
        Ok(GetResult {
            payload: GetResultPayload::Stream(content.boxed()),
            meta,
            range,
            attributes: Default::default(),
            extensions: Default::default(),
        })
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Key>>,
    ) -> BoxStream<'static, Result<Key>> {
        let files = self.clone();
        let removed = locations.map(move |location| {
            let location = location?;
            let expected = match Condition::current_e_tag() {
                Some(e_tag) => Some(number_of(Some(&e_tag))?),
                None => None,
            };
            match files
                .versions(&location)
                .remove(expected)
                .map_err(generic)?
            {
                Put::Made(_) => Ok(location),
                Put::Conflict => Err(changed(&location)),
            }
        });
        removed.boxed()
    }

    fn list(&self, _prefix: Option<&Key>) -> BoxStream<'static, Result<ObjectMeta>> {
        stream::once(async { Err(unsupported("list")) }).boxed()
    }

    async fn list_with_delimiter(&self, _prefix: Option<&Key>) -> Result<ListResult> {
        Err(unsupported("list"))
    }

    async fn put_multipart_opts(
        &self,
        _location: &Key,
        _options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        Err(unsupported("upload in parts"))
    }

    async fn copy_opts(&self, _from: &Key, _to: &Key, _options: CopyOptions) -> Result<()> {
        Err(unsupported("copy"))
    }
}

/// Returns the number of the version with that ETag.
fn number_of(e_tag: Option<&str>) -> Result<u64> {
    let number = e_tag.and_then(|e_tag| e_tag.parse().ok());
    number.ok_or_else(|| generic(io::Error::other("a version has no number")))
}

fn generic(source: io::Error) -> Error {
    Error::Generic {
        store: STORE,
        source: source.into(),
    }
}

fn changed(location: &Key) -> Error {
    Error::Precondition {
        path: location.to_string(),
        source: "another version is there".into(),
    }
}

fn unsupported(operation: &str) -> Error {
    Error::NotImplemented {
        operation: operation.to_owned(),
        implementer: STORE.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread;

    use super::*;
    use crate::remote::Remote;

    const KEY: &str = "claims/lease.json";

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder.join("claims")).into_iter().flatten();
        let names = entries.map(|entry| entry.unwrap().file_name());
        let mut names: Vec<String> = names.map(|name| name.into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn an_object_is_created_replaced_and_removed_only_as_it_was_seen() {
        let folder = tempfile::tempdir().unwrap();
        let files = Remote::on_files(folder.path()).unwrap();
        assert!(files.get_version(KEY, 99).unwrap().is_none());
        let first = files.create(KEY, "a".into()).unwrap().unwrap();
        assert!(files.create(KEY, "b".into()).unwrap().is_none());
        let second = files.replace(KEY, "c".into(), &first).unwrap().unwrap();
        assert!(files.replace(KEY, "d".into(), &first).unwrap().is_none());
        let (bytes, version) = files.get_version(KEY, 99).unwrap().unwrap();
        assert_eq!((&bytes[..], &version), (&b"c"[..], &second));
        assert_eq!(names(folder.path()), ["lease.json.2"]);
        files.remove_version(KEY, &first).unwrap();
        assert!(files.get_version(KEY, 99).unwrap().is_some());
        files.remove_version(KEY, &second).unwrap();
        assert!(files.get_version(KEY, 99).unwrap().is_none());
        assert!(!folder.path().join("claims").exists());
        assert!(files.replace(KEY, "e".into(), &second).unwrap().is_none());
    }

    #[test]
    fn one_of_many_that_replace_a_version_succeeds() {
        let folder = tempfile::tempdir().unwrap();
        let files = Remote::on_files(folder.path()).unwrap();
        let mut version = files.create(KEY, "first".into()).unwrap().unwrap();
        for _ in 0..30 {
            let made = AtomicUsize::new(0);
            thread::scope(|scope| {
                for _ in 0..6 {
                    scope.spawn(|| {
                        let put = files.replace(KEY, "next".into(), &version).unwrap();
                        made.fetch_add(usize::from(put.is_some()), Ordering::Relaxed);
                    });
                }
            });
            assert_eq!(made.into_inner(), 1);
            version = files.get_version(KEY, 99).unwrap().unwrap().1;
        }
    }

    #[test]
    fn a_put_that_was_away_takes_its_file_back() {
        let folder = tempfile::tempdir().unwrap();
        let files = Remote::on_files(folder.path()).unwrap();
        let versions = VersionedFiles::below(folder.path()).versions(&Key::from(KEY));
        let first = files.create(KEY, "a".into()).unwrap().unwrap();
        let second = files.replace(KEY, "b".into(), &first).unwrap().unwrap();
        files.replace(KEY, "c".into(), &second).unwrap().unwrap();
        // The put saw version 1, slept, and links version 2, which came and went.
        let temporary = folder.path().join("claims/.late.tmp");
        fs::write(&temporary, "late").unwrap();
        fs::hard_link(&temporary, versions.path(2)).unwrap();
        let (bytes, number) = versions.read().unwrap().unwrap();
        assert_eq!((&bytes[..], number), (&b"c"[..], 3));
        // A removal takes the temporary file along.
        files.remove(KEY).unwrap();
        assert!(!temporary.exists() && !folder.path().join("claims").exists());
    }

    #[test]
    fn what_is_no_file_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("claims/lease.json.7")).unwrap();
        let files = Remote::on_files(folder.path()).unwrap();
        let error = files.get_version(KEY, 99).unwrap_err();
        let text = format!("{error}: {}", error.source);
        assert!(text.contains("it is a folder, not a file"), "{text}");
        assert!(text.contains("claims/lease.json"), "{text}");
    }
}
