//! The lock of an output on a local disk.
//!
//! The operating system locks the file `lock` in the work folder and releases the
//! lock when the process ends, for whatever reason, so a lock is never stale. The
//! file holds the host and the process for the error that a second process gets.
//!
//! Workers hold the lock *shared*: any number of them, and nobody else meanwhile.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use super::error::LockError;
use super::held::Lock;
use super::holder::Holder;
use super::worker_file::{Worker, WorkerFile, remove_left_behind, workers};
use crate::store::{StoredObject, explained};
use crate::temporary::{is_remnant, new_temporary_name};
use rxrx_platform::{create_folder, flush_names};
use rxrx_platform::{is_without_locks, open_no_link};

const LOCK: &str = "lock";

/// Most bytes that a lock file has: a host and a process.
const HOLDER_BYTES_AT_MOST: u64 = 64 << 10;

/// Workers that a message names.
const WORKERS_SHOWN: usize = 3;
/// How often, and after which time, to try again when somebody may only look at the lock.
const LOOKS: usize = 5;
const LOOK: Duration = Duration::from_millis(40);
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
    /// `None` when the lock is released.
    file: Option<File>,
    keeps_names: bool,
    /// The file that names this process, if it holds the lock shared.
    worker: Option<WorkerFile>,
}

/// How a lock is held.
#[derive(Clone, Copy)]
enum Hold<'a> {
    /// By this process alone.
    Exclusive,
    /// Together with others, to do the work of that label. The temporary files of this process
    /// begin with that number.
    Shared(&'a str, &'a str),
}

impl FileLock {
    /// Takes the lock of `output` in its work folder `work`, which is created.
    /// `begun` is the name in `work` of the file that exists once work has begun.
    ///
    /// # Errors
    /// [`LockError::Busy`] when another process holds the lock; [`LockError::Io`].
    pub fn take(output: &Path, work: &Path, begun: &'static str) -> Result<Self, LockError> {
        Self::hold(output, work, begun, Hold::Exclusive)
    }

    /// Takes the lock together with others, as [`Self::take`] does alone. `label` tells the
    /// others which work this process does, and `owner` how its temporary files are named. Those
    /// of workers that have ended are removed.
    ///
    /// # Errors
    /// [`LockError::Busy`] when another process holds the lock alone; [`LockError::Io`].
    pub fn share(
        output: &Path,
        work: &Path,
        begun: &'static str,
        (label, owner): (&str, &str),
    ) -> Result<Self, LockError> {
        Self::hold(output, work, begun, Hold::Shared(label, owner))
    }

    fn hold(
        output: &Path,
        work: &Path,
        begun: &'static str,
        hold: Hold<'_>,
    ) -> Result<Self, LockError> {
        let path = work.join(LOCK);
        let busy = |holder: String| LockError::Busy {
            path: output.into(),
            holder,
        };
        for attempt in 0..ATTEMPTS {
            refuse_link(work)?;
            match create_folder(work) {
                // The process that held the lock removed the folder at this moment.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists && !work.exists() => {
                    continue;
                }
                created => created.map_err(io_error("create", work))?,
            }
            let options = &mut OpenOptions::new();
            options.read(true).write(true).create(true).truncate(false);
            let Some(mut file) = open(options, &path)? else {
                // The folder was removed by the process that held the lock.
                continue;
            };
            let locked = match hold {
                Hold::Exclusive => file.try_lock(),
                Hold::Shared(..) => file.try_lock_shared(),
            };
            match locked {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => {
                    let workers = workers(work, false).map_err(io_error("list", work))?;
                    // Who only looks whether the lock is held holds it for a moment.
                    if attempt < LOOKS && workers.is_empty() {
                        thread::sleep(LOOK);
                        continue;
                    }
                    return Err(busy(match workers.as_slice() {
                        [] => holder(file),
                        workers => names_of(workers),
                    }));
                }
                Err(TryLockError::Error(error)) if is_without_locks(&error) => {
                    drop(file);
                    // Others could not lock it either.
                    let _ = fs::remove_file(&path);
                    let _ = fs::remove_dir(work);
                    return Err(LockError::NoLocks {
                        path: output.to_owned(),
                        source: error,
                    });
                }
                Err(TryLockError::Error(error)) => return Err(io_error("lock", &path)(error)),
            }
            // The folder was removed after the file was opened: the lock is on a
            // file that has no name any more.
            if !names(&path, &file).map_err(io_error("open", &path))? {
                continue;
            }
            let worker = match hold {
                Hold::Exclusive => {
                    // Nobody else holds the lock, so the workers have ended.
                    workers(work, true).map_err(io_error("list", work))?;
                    write_holder(&mut file).map_err(io_error("write", &path))?;
                    None
                }
                Hold::Shared(label, owner) => {
                    let worker = WorkerFile::new(work, label, owner);
                    // Another worker may do the same at this moment: what is left stays for later.
                    let _ = remove_left_behind(work);
                    Some(worker.map_err(io_error("write a file in", work))?)
                }
            };
            let keeps_names = flush_names(work).map_err(io_error("flush", work))?;
            return Ok(Self {
                work: work.to_owned(),
                begun,
                file: Some(file),
                keeps_names,
                worker,
            });
        }
        Err(busy("other processes, one after the other".to_owned()))
    }

    /// Returns the processes that hold the lock in `work` together.
    ///
    /// # Errors
    /// [`LockError::Io`].
    pub fn workers(work: &Path) -> Result<Vec<Worker>, LockError> {
        workers(work, false).map_err(io_error("list", work))
    }

    /// Returns the holder of the lock in `work`; `None` if nobody holds it alone.
    ///
    /// # Errors
    /// [`LockError::Io`].
    pub fn holder(work: &Path) -> Result<Option<String>, LockError> {
        let path = work.join(LOCK);
        let Some(file) = open(OpenOptions::new().read(true), &path)? else {
            return Ok(None);
        };
        match file.try_lock_shared() {
            Ok(()) => Ok(None),
            Err(TryLockError::WouldBlock) => Ok(Some(holder(file))),
            // Where there are no locks, nobody holds one.
            Err(TryLockError::Error(error)) if is_without_locks(&error) => Ok(None),
            Err(TryLockError::Error(error)) => Err(io_error("lock", &path)(error)),
        }
    }
}

impl Lock for FileLock {
    fn check(&self) -> Result<(), LockError> {
        let path = self.work.join(LOCK);
        if let Some(file) = &self.file
            && names(&path, file).map_err(io_error("open", &path))?
        {
            return Ok(());
        }
        Err(LockError::Lost {
            work: self.work.as_path().into(),
        })
    }

    fn keeps_names(&self) -> bool {
        self.keeps_names
    }

    fn remove_work(mut self: Box<Self>, _stays: &dyn Fn(&StoredObject) -> bool) {
        if !self.is_held() || self.worker.is_some() {
            return;
        }
        // Nobody else begins before the rest is gone, because the lock goes last.
        for entry in fs::read_dir(&self.work).into_iter().flatten().flatten() {
            let name = entry.file_name();
            if name == LOCK || name.to_str().is_some_and(is_remnant) {
                continue;
            }
            let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
            let _ = match is_folder {
                true => fs::remove_dir_all(entry.path()),
                false => fs::remove_file(entry.path()),
            };
        }
        self.remove();
    }
}

impl FileLock {
    /// Whether the lock has its name. If not, somebody removed it, and the work folder
    /// may be that of another process.
    fn is_held(&self) -> bool {
        let path = self.work.join(LOCK);
        let file = self.file.as_ref();
        file.is_some_and(|file| names(&path, file).unwrap_or(false))
    }

    /// Removes the lock file, and the work folder if nothing else is in it.
    ///
    /// NFS and FUSE keep a file that is removed while it is open under another name, and
    /// so its folder. So the file is closed before. That releases the lock, and another
    /// process could take it and lose it again; therefore the file first loses the name
    /// by which others find it.
    fn remove(&mut self) {
        let renamed = new_temporary_name("").and_then(|name| {
            let path = self.work.join(name);
            fs::rename(self.work.join(LOCK), &path).map(|()| path)
        });
        drop(self.file.take());
        if let Ok(path) = renamed {
            let _ = fs::remove_file(path);
        }
        let _ = fs::remove_dir(&self.work);
    }
}

impl Drop for FileLock {
    fn drop(&mut self) {
        // If no work has begun, nothing is left behind. The folder stays if it holds
        // anything else.
        if !self.is_held() || self.work.join(self.begun).exists() {
            return;
        }
        let is_alone = match self.worker.take() {
            None => true,
            // The last worker at an output where nothing was begun, or is sealed now.
            Some(worker) => {
                drop(worker);
                self.file
                    .as_ref()
                    .is_some_and(|file| file.try_lock().is_ok())
            }
        };
        if is_alone {
            self.remove();
        }
    }
}

/// Opens the lock file at `path`; `None` where nothing is. Who may write to the folder
/// can put a link there, behind which another file would be emptied.
fn open(options: &OpenOptions, path: &Path) -> Result<Option<File>, LockError> {
    refuse_link(path)?;
    let file = match open_no_link(options, path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        file => file.map_err(io_error("open", path))?,
    };
    let found = file.metadata().map_err(io_error("read", path))?;
    if !found.is_file() {
        let error = io::Error::other("it is not a file; remove it");
        return Err(io_error("lock", path)(error));
    }
    Ok(Some(file))
}

/// Names the workers that hold a lock together, for a message.
fn names_of(workers: &[Worker]) -> String {
    let shown = workers.iter().take(WORKERS_SHOWN);
    let mut names: Vec<String> = shown
        .map(|worker| format!("{} ({})", worker.holder, worker.label))
        .collect();
    if let more @ 1.. = workers.len().saturating_sub(WORKERS_SHOWN) {
        names.push(format!("{more} more"));
    }
    names.join(", ")
}

fn refuse_link(path: &Path) -> Result<(), LockError> {
    if path.is_symlink() {
        return Err(LockError::Link { path: path.into() });
    }
    Ok(())
}

/// Whether `path` is a name of the open `file`.
fn names(path: &Path, file: &File) -> io::Result<bool> {
    let open = same_file::Handle::from_file(file.try_clone()?)?;
    match same_file::Handle::from_path(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        named => Ok(named? == open),
    }
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
        source: explained(source),
    }
}

#[cfg(test)]
mod tests;
