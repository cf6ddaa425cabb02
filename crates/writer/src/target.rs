//! The folder that becomes a dataset, and the one beside it that holds what is
//! unfinished.
//!
//! | `OUTPUT/` | `OUTPUT.rxrx2zarr/` | state |
//! |---|---|---|
//! | absent or empty | absent, or without `run.json` | free |
//! | with root metadata | anything | sealed: complete; what lies beside is a clean-up that was cut off |
//! | without root metadata | with `run.json` | unfinished: a run is under way or was cut off |
//! | anything else | anything | foreign: never touched |
//!
//! Whatever the state, a folder that holds an entry which no conversion writes
//! is not removed: somebody put it there.
//!
//! Whoever changes anything holds the lock of the file `lock` beside OUTPUT. The
//! operating system lets go of it when the process ends, however it ends, so a
//! lock is never stale; host and process are written into the file for the
//! error that the second one gets.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::fingerprint::Fingerprint;
use crate::hierarchy::{CARD, CHECKSUMS, CROISSANT, GROUP, ROOT_METADATA};
use crate::info::DatasetInfo;
use crate::journal::{self, Journal, JournalError, Run};
use crate::store::{LocalStore, Store, StoreError, is_temporary};
use crate::tables::{CHANNEL_STATS, EMBEDDINGS, PLANES, SITES};

/// Appended to OUTPUT's name for the folder of unfinished work.
const WORK_SUFFIX: &str = ".rxrx2zarr";

const LOCK: &str = "lock";

/// How often to try again when a lock is let go of at the same moment.
const LOCK_ATTEMPTS: usize = 100;

/// What a conversion puts at the top of OUTPUT.
const OUTPUT_ENTRIES: [&str; 8] = [
    GROUP,
    SITES,
    PLANES,
    CHANNEL_STATS,
    EMBEDDINGS,
    CARD,
    CROISSANT,
    CHECKSUMS,
];

/// OUTPUT cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TargetError {
    /// OUTPUT has no name of its own, such as `/` or `..`.
    #[error("output {path} cannot be used: name a folder to create")]
    NoName {
        /// OUTPUT.
        path: PathBuf,
    },
    /// OUTPUT holds, or began as, the outcome of another conversion.
    #[error(
        "output {path} is {} of another conversion ({}): choose another output, or replace it with --overwrite",
        if *.sealed { "the complete dataset" } else { "the unfinished work" },
        .differences.join("; ")
    )]
    Different {
        /// OUTPUT.
        path: PathBuf,
        /// Whether it is complete.
        sealed: bool,
        /// What differs.
        differences: Vec<String>,
    },
    /// Another process is writing it.
    #[error("output {path} is being written by {holder}: wait for it, or choose another output")]
    Busy {
        /// OUTPUT.
        path: PathBuf,
        /// Process and host.
        holder: String,
    },
    /// There is nothing at OUTPUT whose bad images could be tried again.
    #[error("output {path} is no dataset and no unfinished one: convert without --retry-bad")]
    NothingToRetry {
        /// OUTPUT.
        path: PathBuf,
    },
    /// OUTPUT holds something that is not ours to replace.
    #[error(
        "output {path} exists and is not a dataset of rxrx2zarr: choose another output, or remove it yourself"
    )]
    Foreign {
        /// OUTPUT.
        path: PathBuf,
    },
    /// A folder that was to be replaced holds something that is not ours.
    #[error("{path} is not written by rxrx2zarr: move it away, or choose another output")]
    Stranger {
        /// The entry that no conversion writes.
        path: PathBuf,
    },
    /// OUTPUT and INPUT lie one within the other.
    #[error(
        "output {output} and input {input} must not lie one within the other: choose another output"
    )]
    Overlap {
        /// OUTPUT.
        output: PathBuf,
        /// INPUT.
        input: PathBuf,
    },
    /// Somebody removed the folder of unfinished work during the run.
    #[error(
        "{work} was removed while it was in use: nothing is sealed; start over with --overwrite, \
         and let only one process write an output"
    )]
    LockLost {
        /// The folder of unfinished work.
        work: PathBuf,
    },
    /// The journal cannot be used.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The file system refused.
    #[error("cannot {action} {path}")]
    Io {
        /// What was being done, as a verb.
        action: &'static str,
        /// To what.
        path: PathBuf,
        /// What the file system said.
        source: io::Error,
    },
}

/// What lies at OUTPUT.
#[derive(Debug)]
pub(crate) enum State {
    /// Nothing.
    Free,
    /// A complete dataset; without a fingerprint when another version of the
    /// program wrote it in another format.
    Sealed(Option<Box<Fingerprint>>),
    /// A run that was cut off, or is under way.
    Unfinished(Box<Run>),
    /// Remains of a run whose description is damaged: it cannot be continued,
    /// only replaced.
    Damaged(JournalError),
    /// Something else.
    Foreign,
}

/// OUTPUT and the folder of unfinished work beside it, with their stores.
#[derive(Clone)]
pub(crate) struct Place {
    output: PathBuf,
    work: PathBuf,
    store: Arc<dyn Store>,
    work_store: Arc<dyn Store>,
}

/// Who holds the lock.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Holder {
    host: String,
    pid: u32,
}

impl Holder {
    fn this_process() -> Self {
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

impl Place {
    /// The place of the dataset at `output`.
    pub(crate) fn new(output: &Path) -> Result<Self, TargetError> {
        let Some(name) = output.file_name() else {
            let path = output.to_owned();
            return Err(TargetError::NoName { path });
        };
        let mut work_name = name.to_owned();
        work_name.push(WORK_SUFFIX);
        let work = output.with_file_name(work_name);
        Ok(Self {
            output: output.to_owned(),
            store: Arc::new(LocalStore::new(output, &work)),
            work_store: Arc::new(LocalStore::new(&work, &work)),
            work,
        })
    }

    /// The same place with what `wrap` makes of its stores.
    #[cfg(test)]
    pub(crate) fn wrapped(self, wrap: impl Fn(Arc<dyn Store>) -> Arc<dyn Store>) -> Self {
        Self {
            store: wrap(self.store),
            work_store: wrap(self.work_store),
            ..self
        }
    }

    /// OUTPUT.
    pub(crate) fn output(&self) -> &Path {
        &self.output
    }

    /// The store below OUTPUT.
    pub(crate) fn store(&self) -> &dyn Store {
        self.store.as_ref()
    }

    /// The journal beside OUTPUT.
    pub(crate) fn journal(&self) -> Journal<'_> {
        Journal::new(self.work_store.as_ref())
    }

    /// Whether there is a folder of unfinished work.
    pub(crate) fn has_work(&self) -> bool {
        self.work.exists()
    }

    /// What lies at OUTPUT. Only a holder of the lock can rely on it for long.
    pub(crate) fn state(&self) -> Result<State, TargetError> {
        if self.work.exists() && !self.work.is_dir() {
            return Ok(State::Foreign);
        }
        if self.output.join(ROOT_METADATA).is_file() {
            if !DatasetInfo::is_ours(self.store()) {
                return Ok(State::Foreign);
            }
            let fingerprint = DatasetInfo::read(self.store(), &self.output.display().to_string())
                .ok()
                .map(|info| Box::new(info.fingerprint()));
            return Ok(State::Sealed(fingerprint));
        }
        match self.journal().run() {
            Ok(Some(run)) => return Ok(State::Unfinished(Box::new(run))),
            Err(error @ JournalError::Damaged { .. }) => return Ok(State::Damaged(error)),
            run => run?,
        };
        Ok(if is_absent_or_empty(&self.output)? {
            State::Free
        } else {
            State::Foreign
        })
    }

    /// Who holds the lock, if anybody does.
    pub(crate) fn holder(&self) -> Result<Option<String>, TargetError> {
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

    /// Takes the lock, so that nobody else writes OUTPUT, and removes what torn
    /// writes have left beside it.
    pub(crate) fn lock(&self) -> Result<Target, TargetError> {
        if self.work.exists() && !self.work.is_dir() {
            let path = self.work.clone();
            return Err(TargetError::Foreign { path });
        }
        refuse_strangers(&self.work, is_work_entry)?;
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
                    let path = self.output.clone();
                    let holder = holder(file);
                    return Err(TargetError::Busy { path, holder });
                }
                Err(TryLockError::Error(error)) => return Err(io_error("lock", &path)(error)),
            }
            // Likewise, and ours is the lock of a file that has no name any more.
            if !names(&path, &file) {
                continue;
            }
            write_holder(&mut file).map_err(io_error("write", &path))?;
            let target = Target {
                place: self.clone(),
                lock: file,
                released: false,
            };
            target.remove_temporaries()?;
            return Ok(target);
        }
        Err(TargetError::Busy {
            path: self.output.clone(),
            holder: "other processes, one after the other".to_owned(),
        })
    }

    /// Demands that neither of OUTPUT and `input` lies within the other.
    pub(crate) fn refuse_overlap(&self, input: &Path) -> Result<(), TargetError> {
        let resolve = |path: &Path| fs::canonicalize(path).map_err(io_error("find", path));
        let input = resolve(input)?;
        // OUTPUT need not exist yet: the nearest folder above it does.
        let absolute = std::path::absolute(&self.output).map_err(io_error("find", &self.output))?;
        let existing = absolute.ancestors().find(|ancestor| ancestor.exists());
        let existing = existing.unwrap_or(&absolute);
        let rest = absolute.strip_prefix(existing).unwrap_or(Path::new(""));
        let output = resolve(existing)?.join(rest);
        if output.starts_with(&input) || input.starts_with(&output) {
            return Err(TargetError::Overlap { output, input });
        }
        Ok(())
    }
}

/// An OUTPUT that only this process writes.
pub(crate) struct Target {
    place: Place,
    lock: File,
    released: bool,
}

impl Target {
    /// Begins `run` at an OUTPUT that is free.
    pub(crate) fn begin(&self, run: &Run) -> Result<(), TargetError> {
        let run = Run {
            cleared: true,
            ..run.clone()
        };
        Ok(self.place.journal().begin(&run)?)
    }

    /// Begins `run` in place of the dataset of ours, or the remains of one,
    /// that is there. Wherever this is cut off, what is left is the old dataset,
    /// whole, or a beginning of the new one.
    pub(crate) fn begin_over(&self, run: &Run) -> Result<(), TargetError> {
        refuse_strangers(&self.place.output, |name| OUTPUT_ENTRIES.contains(&name))?;
        let journal = self.place.journal();
        journal.clear()?;
        journal.begin(&Run {
            cleared: false,
            ..run.clone()
        })?;
        self.clear_output()?;
        self.begin(run)
    }

    /// Removes OUTPUT.
    fn clear_output(&self) -> Result<(), TargetError> {
        let output = &self.place.output;
        refuse_strangers(output, |name| OUTPUT_ENTRIES.contains(&name))?;
        // The root metadata goes first: from then on nobody takes what is left
        // for a dataset.
        let store = self.place.store();
        store.remove(ROOT_METADATA)?;
        for object in store.list()? {
            store.remove(&object.key)?;
        }
        match fs::remove_dir_all(output) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            result => result.map_err(io_error("remove", output)),
        }
    }

    /// Makes the dataset an unfinished one again. The journal must hold all
    /// units by now.
    pub(crate) fn reopen(&self, run: &Run) -> Result<(), TargetError> {
        self.begin(run)?;
        Ok(self.place.store().remove(ROOT_METADATA)?)
    }

    /// Demands that the lock is still in its place.
    pub(crate) fn check(&self) -> Result<(), TargetError> {
        if names(&self.place.work.join(LOCK), &self.lock) {
            return Ok(());
        }
        let work = self.place.work.clone();
        Err(TargetError::LockLost { work })
    }

    /// Removes the folder of unfinished work: the dataset is sealed.
    pub(crate) fn release(mut self) {
        // The dataset is complete all the same, and what stays behind counts
        // for nothing once the description of the run is gone.
        if self.place.journal().end().is_ok() {
            let _ = fs::remove_dir_all(&self.place.work);
        }
        self.released = true;
    }

    fn remove_temporaries(&self) -> Result<(), TargetError> {
        let work = &self.place.work;
        for entry in fs::read_dir(work).map_err(io_error("list", work))? {
            let entry = entry.map_err(io_error("list", work))?;
            if entry.file_name().to_str().is_some_and(is_temporary) {
                let path = entry.path();
                fs::remove_file(&path).map_err(io_error("remove", &path))?;
            }
        }
        Ok(())
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        // Nothing was begun: leave nothing behind. The folder stays where
        // anything else is in it.
        if !self.released && !self.place.work.join(journal::RUN).exists() {
            let _ = fs::remove_file(self.place.work.join(LOCK));
            let _ = fs::remove_dir(&self.place.work);
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

/// Whether a conversion puts an entry of that name into the folder of
/// unfinished work.
fn is_work_entry(name: &str) -> bool {
    name == LOCK || journal::is_entry(name) || is_temporary(name)
}

/// Demands that `folder`, where there is one, holds nothing but what is `ours`.
fn refuse_strangers(folder: &Path, ours: impl Fn(&str) -> bool) -> Result<(), TargetError> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
            let path = folder.to_owned();
            return Err(TargetError::Foreign { path });
        }
        entries => entries.map_err(io_error("list", folder))?,
    };
    for entry in entries {
        let entry = entry.map_err(io_error("list", folder))?;
        if !entry.file_name().to_str().is_some_and(&ours) {
            let path = entry.path();
            return Err(TargetError::Stranger { path });
        }
    }
    Ok(())
}

fn is_absent_or_empty(folder: &Path) -> Result<bool, TargetError> {
    match fs::read_dir(folder) {
        Ok(mut entries) => Ok(entries.next().is_none()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => Ok(false),
        Err(error) => Err(io_error("list", folder)(error)),
    }
}

fn io_error(action: &'static str, path: &Path) -> impl Fn(io::Error) -> TargetError {
    move |source| TargetError::Io {
        action,
        path: path.to_owned(),
        source,
    }
}

#[cfg(test)]
mod tests;
