//! The lock of an output on a local disk.
//!
//! The operating system locks the file `lock` in the work folder and releases the
//! lock when the process ends, for whatever reason, so a lock is never stale. The
//! file holds the host and the process for the error that a second process gets.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

use super::error::LockError;
use super::held::Lock;
use super::holder::Holder;
use crate::regular_file::open_file;

const LOCK: &str = "lock";

/// Most bytes that a lock file has: a host and a process.
const HOLDER_BYTES_AT_MOST: u64 = 64 << 10;

/// How often to try again when a lock is released at the same moment.
const ATTEMPTS: usize = 100;

/// Whether the entry of that name in the work folder is the lock file.
pub(super) fn is_lock_file(name: &str) -> bool {
    name == LOCK
}

/// A lock of the operating system that is held.
pub struct FileLock {
    work: PathBuf,
    /// Name in the work folder of the file that exists once work has begun.
    begun: &'static str,
    file: File,
    removed: bool,
}

impl FileLock {
    /// Takes the lock of `output` in its work folder `work`, which is created.
    /// `begun` is the name in `work` of the file that exists once work has begun.
    ///
    /// # Errors
    /// [`LockError::Busy`] when another process holds the lock; [`LockError::Io`].
    pub fn take(output: &Path, work: &Path, begun: &'static str) -> Result<Self, LockError> {
        let path = work.join(LOCK);
        let busy = |holder: String| LockError::Busy {
            path: output.into(),
            holder,
        };
        for _ in 0..ATTEMPTS {
            fs::create_dir_all(work).map_err(io_error("create", work))?;
            let options = &mut OpenOptions::new();
            let options = options.read(true).write(true).create(true).truncate(false);
            let mut file = match options.open(&path) {
                // The folder was removed by the process that held the lock.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                file => file.map_err(io_error("open", &path))?,
            };
            // A pipe can be locked, and its content would be awaited.
            if !file.metadata().is_ok_and(|found| found.is_file()) {
                return Err(io_error("lock", &path)(io::Error::other(
                    "it is not a file",
                )));
            }
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Err(busy(holder(file))),
                Err(TryLockError::Error(error)) => return Err(io_error("lock", &path)(error)),
            }
            // The folder was removed after the file was opened: the lock is on a
            // file that has no name any more.
            if !names(&path, &file) {
                continue;
            }
            write_holder(&mut file).map_err(io_error("write", &path))?;
            return Ok(Self {
                work: work.to_owned(),
                begun,
                file,
                removed: false,
            });
        }
        Err(busy("other processes, one after the other".to_owned()))
    }

    /// Returns the holder of the lock in `work`; `None` if the lock is free.
    ///
    /// # Errors
    /// [`LockError::Io`].
    pub fn holder(work: &Path) -> Result<Option<String>, LockError> {
        let path = work.join(LOCK);
        let file = match open_file(&path).map_err(io::Error::from) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            opened => opened.map_err(io_error("open", &path))?.0,
        };
        match file.try_lock_shared() {
            Ok(()) => Ok(None),
            Err(TryLockError::WouldBlock) => Ok(Some(holder(file))),
            Err(TryLockError::Error(error)) => Err(io_error("lock", &path)(error)),
        }
    }
}

impl Lock for FileLock {
    fn check(&self) -> Result<(), LockError> {
        if names(&self.work.join(LOCK), &self.file) {
            return Ok(());
        }
        Err(LockError::Lost {
            work: self.work.as_path().into(),
        })
    }

    fn remove_work(mut self: Box<Self>) {
        let _ = fs::remove_dir_all(&self.work);
        self.removed = true;
    }
}

impl Drop for FileLock {
    fn drop(&mut self) {
        // If no work has begun, nothing is left behind. The folder stays if it holds
        // anything else.
        if !self.removed && !self.work.join(self.begun).exists() {
            let _ = fs::remove_file(self.work.join(LOCK));
            let _ = fs::remove_dir(&self.work);
        }
    }
}

/// Whether `path` is a name of the open `file`.
fn names(path: &Path, file: &File) -> bool {
    let open = file.try_clone().and_then(same_file::Handle::from_file);
    open.is_ok_and(|open| same_file::Handle::from_path(path).is_ok_and(|named| named == open))
}

fn write_holder(file: &mut File) -> io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    file.write_all(&serde_json::to_vec(&Holder::this_process())?)
}

/// Reads who has written into the lock file.
fn holder(file: File) -> String {
    let mut text = String::new();
    let read = file.take(HOLDER_BYTES_AT_MOST).read_to_string(&mut text);
    let holder: Option<Holder> = read.ok().and_then(|_| serde_json::from_str(&text).ok());
    holder.map_or_else(|| "another process".to_owned(), |holder| holder.to_string())
}

fn io_error(action: &'static str, path: &Path) -> impl Fn(io::Error) -> LockError {
    move |source| LockError::Io {
        action,
        path: path.to_owned(),
        source,
    }
}
