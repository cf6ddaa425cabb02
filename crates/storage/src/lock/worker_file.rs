//! The files of workers that hold an output together.
//!
//! Several processes can hold the lock of an output *shared*. The lock file cannot name all
//! of them, so each has a file of its own in the work folder, which it keeps locked. A file
//! that nobody has locked is that of a worker that has ended.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::holder::Holder;
use crate::nonce::new_nonce;
use crate::temporary::remove_temporaries;
use rxrx_platform::open_no_link;

const PREFIX: &str = "worker-";
/// Digits of the number that names the temporary files of a process.
pub(crate) const OWNER: usize = 16;
/// Most bytes of a file: host, process and label.
const BYTES_AT_MOST: u64 = 64 << 10;

/// A process that holds an output together with others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Worker {
    /// Process and host.
    pub holder: String,
    /// The work that it does, as it says itself.
    pub label: String,
}

#[derive(Serialize, Deserialize)]
struct Content {
    #[serde(flatten)]
    holder: Holder,
    label: String,
    /// The beginning of the names of its temporary files.
    #[serde(default)]
    owner: String,
}

/// Whether an entry of that name in the work folder is the file of a worker.
pub(super) fn is_worker_file(name: &str) -> bool {
    name.starts_with(PREFIX)
}

/// The file of this process, which is locked as long as this value lives.
pub(super) struct WorkerFile {
    path: PathBuf,
    file: Option<File>,
}

impl WorkerFile {
    /// Makes the file in `work` and locks it. `owner` is the beginning of the names of the
    /// temporary files of this process.
    pub(super) fn new(work: &Path, label: &str, owner: &str) -> io::Result<Self> {
        let nonce = new_nonce().map_err(io::Error::other)?;
        let path = work.join(format!("{PREFIX}{nonce}"));
        let content = Content {
            holder: Holder::this_process(),
            label: label.to_owned(),
            owner: owner.to_owned(),
        };
        let options = &mut OpenOptions::new();
        let mut file = open_no_link(options.write(true).create_new(true), &path)?;
        let made = Self {
            path,
            file: Some(file.try_clone()?),
        };
        // Who looks whether it is locked holds it for a moment.
        file.lock()?;
        file.write_all(&serde_json::to_vec(&content)?)?;
        Ok(made)
    }
}

impl Drop for WorkerFile {
    fn drop(&mut self) {
        // NFS keeps a file that is removed while it is open under another name.
        drop(self.file.take());
        let _ = fs::remove_file(&self.path);
    }
}

/// Returns the workers that hold the output of the work folder `work` at this moment, and
/// removes the files of those that have ended if `clears` is set. The caller then holds the
/// lock alone.
pub(super) fn workers(work: &Path, clears: bool) -> io::Result<Vec<Worker>> {
    let mut found = Vec::new();
    let entries = match fs::read_dir(work) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(found),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        if !entry.file_name().to_str().is_some_and(is_worker_file) {
            continue;
        }
        let path = entry.path();
        // It may end at this moment.
        let Ok(file) = open_no_link(OpenOptions::new().read(true), &path) else {
            continue;
        };
        match file.try_lock_shared() {
            Err(TryLockError::WouldBlock) => found.push(read(&file)),
            _ if clears => {
                drop(file);
                let _ = fs::remove_file(&path);
            }
            _ => {}
        }
    }
    found.sort_by(|one, other| one.label.cmp(&other.label));
    Ok(found)
}

/// Removes the temporary files of workers that have ended, and the files that name these.
///
/// A worker writes its file only once it has locked it. So the lock of a file that says something
/// was released, because its process has ended: nobody writes these temporary files any more.
pub(super) fn remove_left_behind(work: &Path) -> io::Result<()> {
    for entry in fs::read_dir(work)? {
        let entry = entry?;
        if !entry.file_name().to_str().is_some_and(is_worker_file) {
            continue;
        }
        let path = entry.path();
        let Ok(file) = open_no_link(OpenOptions::new().read(true), &path) else {
            continue;
        };
        if file.try_lock_shared().is_err() {
            continue;
        }
        let Some(Content { owner, .. }) = content(&file) else {
            continue;
        };
        if owner.len() == OWNER {
            remove_temporaries(work, &owner)?;
        }
        drop(file);
        fs::remove_file(&path)?;
    }
    Ok(())
}

/// Reads the content of a file, if it is whole.
fn content(file: &File) -> Option<Content> {
    let mut text = String::new();
    file.take(BYTES_AT_MOST).read_to_string(&mut text).ok()?;
    serde_json::from_str(&text).ok()
}

/// Reads what a worker says of itself.
fn read(file: &File) -> Worker {
    match content(file) {
        Some(Content { holder, label, .. }) => Worker {
            holder: holder.to_string(),
            label,
        },
        None => Worker {
            holder: "another process".to_owned(),
            label: String::new(),
        },
    }
}
