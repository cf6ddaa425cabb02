//! OUTPUT as a folder of a local disk.
//!
//! The lock is that of the operating system on the file `lock` beside OUTPUT. It
//! is let go of when the process ends, however it ends, so a lock is never
//! stale; host and process are written into the file for the error that the
//! second one gets.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{Ground, Lock, TargetError};
use crate::journal;
use crate::store::{LocalStore, is_temporary};

const LOCK: &str = "lock";

/// How often to try again when a lock is let go of at the same moment.
const LOCK_ATTEMPTS: usize = 100;

/// Whether this module puts an entry of that name into the folder of unfinished
/// work.
pub(super) fn is_entry(name: &str) -> bool {
    name == LOCK || is_temporary(name)
}

/// OUTPUT and the folder of unfinished work beside it.
#[derive(Clone, Debug)]
pub(super) struct LocalGround {
    output: PathBuf,
    work: PathBuf,
}

/// Who holds the lock.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Holder {
    pub(super) host: String,
    pub(super) pid: u32,
}

impl Holder {
    pub(super) fn this_process() -> Self {
        Self {
            host: gethostname::gethostname().to_string_lossy().into_owned(),
            pid: std::process::id(),
        }
    }
}

impl std::fmt::Display for Holder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "process {} on {}", self.pid, self.host)
    }
}

impl LocalGround {
    pub(super) fn new(output: &Path, work: PathBuf) -> Self {
        let output = output.to_owned();
        Self { output, work }
    }

    pub(super) fn work(&self) -> &Path {
        &self.work
    }

    pub(super) fn output_store(&self) -> LocalStore {
        LocalStore::new(&self.output, &self.work)
    }

    pub(super) fn work_store(&self) -> LocalStore {
        LocalStore::new(&self.work, &self.work)
    }

    fn remove_temporaries(&self) -> Result<(), TargetError> {
        for name in entries(&self.work)?.unwrap_or_default() {
            if is_temporary(&name) {
                let path = self.work.join(name);
                fs::remove_file(&path).map_err(io_error("remove", &path))?;
            }
        }
        Ok(())
    }
}

impl Ground for LocalGround {
    fn output_entries(&self) -> Result<Option<Vec<String>>, TargetError> {
        entries(&self.output)
    }

    fn work_entries(&self) -> Result<Option<Vec<String>>, TargetError> {
        entries(&self.work)
    }

    fn has_work(&self) -> Result<bool, TargetError> {
        Ok(self.work.exists())
    }

    fn holder(&self) -> Result<Option<String>, TargetError> {
        let path = self.work.join(LOCK);
        let file = match File::open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            file => file.map_err(io_error("open", &path))?,
        };
        match file.try_lock_shared() {
            Ok(()) => Ok(None),
            Err(TryLockError::WouldBlock) => Ok(Some(holder(file))),
            Err(TryLockError::Error(error)) => Err(io_error("lock", &path)(error)),
        }
    }

    fn lock(&self) -> Result<Box<dyn Lock>, TargetError> {
        let path = self.work.join(LOCK);
        for _ in 0..LOCK_ATTEMPTS {
            fs::create_dir_all(&self.work).map_err(io_error("create", &self.work))?;
            let options = &mut OpenOptions::new();
            let options = options.read(true).write(true).create(true).truncate(false);
            let mut file = match options.open(&path) {
                // The folder was removed by the one who held the lock.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                file => file.map_err(io_error("open", &path))?,
            };
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => {
                    return Err(TargetError::Busy {
                        path: self.output.as_path().into(),
                        holder: holder(file),
                    });
                }
                Err(TryLockError::Error(error)) => return Err(io_error("lock", &path)(error)),
            }
            // Likewise, and ours is the lock of a file that has no name any more.
            if !names(&path, &file) {
                continue;
            }
            write_holder(&mut file).map_err(io_error("write", &path))?;
            let lock = FileLock {
                ground: self.clone(),
                file,
                removed: false,
            };
            self.remove_temporaries()?;
            return Ok(Box::new(lock));
        }
        Err(TargetError::Busy {
            path: self.output.as_path().into(),
            holder: "other processes, one after the other".to_owned(),
        })
    }

    fn remove_output(&self) -> Result<(), TargetError> {
        match fs::remove_dir_all(&self.output) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            result => result.map_err(io_error("remove", &self.output)),
        }
    }
}

/// A lock of the operating system.
struct FileLock {
    ground: LocalGround,
    file: File,
    removed: bool,
}

impl Lock for FileLock {
    fn check(&self) -> Result<(), TargetError> {
        if names(&self.ground.work.join(LOCK), &self.file) {
            return Ok(());
        }
        Err(TargetError::LockLost {
            work: self.ground.work.as_path().into(),
        })
    }

    fn remove_work(mut self: Box<Self>) {
        let _ = fs::remove_dir_all(&self.ground.work);
        self.removed = true;
    }
}

impl Drop for FileLock {
    fn drop(&mut self) {
        // Nothing was begun: leave nothing behind. The folder stays where
        // anything else is in it.
        let work = &self.ground.work;
        if !self.removed && !work.join(journal::RUN).exists() {
            let _ = fs::remove_file(work.join(LOCK));
            let _ = fs::remove_dir(work);
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

/// Who has written into the lock file.
fn holder(mut file: File) -> String {
    let mut text = String::new();
    let read = file.read_to_string(&mut text);
    let holder: Option<Holder> = read.ok().and_then(|_| serde_json::from_str(&text).ok());
    holder.map_or_else(|| "another process".to_owned(), |holder| holder.to_string())
}

/// Names in `folder`; `None` where it is no folder.
fn entries(folder: &Path) -> Result<Option<Vec<String>>, TargetError> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Some(Vec::new())),
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => return Ok(None),
        entries => entries.map_err(io_error("list", folder))?,
    };
    let name = |entry: io::Result<fs::DirEntry>| {
        let entry = entry.map_err(io_error("list", folder))?;
        Ok(entry.file_name().to_string_lossy().into_owned())
    };
    entries.map(name).collect::<Result<_, _>>().map(Some)
}

fn io_error(action: &'static str, path: &Path) -> impl Fn(io::Error) -> TargetError {
    move |source| TargetError::Io {
        action,
        path: path.to_owned(),
        source,
    }
}
