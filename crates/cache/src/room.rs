//! How many bytes a folder may hold.
//!
//! Each process counts what it adds, and looks at the folder again after a thirty-second part of
//! the limit. So a folder has at most that much for each other process beyond its limit.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use rxrx_platform::FreeSpace;

use crate::entry::used_bytes;

/// A temporary file that is older was left by a process that was killed.
const LEFT_BEHIND: Duration = Duration::from_secs(3600);
/// Ends the names of temporary files.
pub(crate) const TEMPORARY: &str = ".new";

/// The limit of a folder.
pub(crate) struct Room {
    folder: PathBuf,
    limit: u64,
    /// Files that were used since then stay.
    opened: SystemTime,
    seen: Mutex<Seen>,
}

/// What a process knows of the folder.
#[derive(Default)]
struct Seen {
    /// Bytes in the folder when it was looked at, and those that were added since.
    used: u64,
    /// Bytes that threads of this process write at this moment: a look may not find them yet.
    writing: u64,
    /// Bytes that may be added before the next look.
    until_look: u64,
    /// Whether there was nothing to remove.
    is_full: bool,
}

impl Room {
    /// The room of `folder`; without a limit, half of the space that is free or used by it.
    pub(crate) fn new(folder: &Path, limit: Option<u64>) -> Self {
        let limit = limit.unwrap_or_else(|| {
            let free = FreeSpace::at(folder).map_or(u64::MAX / 4, |free| free.bytes);
            let used: u64 = files(folder).iter().map(|file| file.bytes).sum();
            free.saturating_add(used) / 2
        });
        Self {
            folder: folder.to_owned(),
            limit,
            opened: SystemTime::now(),
            seen: Mutex::default(),
        }
    }

    /// Whether `bytes` may be added; removes files for them where it can.
    pub(crate) fn take(&self, bytes: u64) -> bool {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if bytes > seen.until_look || seen.used + bytes > self.limit {
            if seen.is_full && bytes <= seen.until_look {
                return false;
            }
            let left = self.make_room(bytes).saturating_add(seen.writing);
            seen.used = left;
            seen.until_look = (self.limit / 32).max(bytes);
            seen.is_full = left + bytes > self.limit;
        }
        if seen.used + bytes > self.limit {
            // A file that ends later, or that another process removes, is seen at the next look.
            seen.until_look = seen.until_look.saturating_sub(bytes);
            return false;
        }
        seen.used += bytes;
        seen.writing += bytes;
        seen.until_look = seen.until_look.saturating_sub(bytes);
        true
    }

    /// Notes that the bytes of a [`Self::take`] that gave room are on the disk, or will never be.
    pub(crate) fn written(&self, bytes: u64) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.writing = seen.writing.saturating_sub(bytes);
    }

    /// Removes files until there is room for `bytes`. Returns the bytes of those that are left.
    fn make_room(&self, bytes: u64) -> u64 {
        let mut files = files(&self.folder);
        files.sort_by_key(|file| file.used);
        let mut left: u64 = files.iter().map(|file| file.bytes).sum();
        // Some more than what is needed now, so that this is rare.
        let target = self.limit.saturating_sub(bytes.max(self.limit / 16));
        if left.saturating_add(bytes) <= self.limit {
            return left;
        }
        for file in files {
            if left <= target || file.used >= self.opened {
                break;
            }
            if fs::remove_file(&file.path).is_ok() {
                left -= file.bytes;
            }
        }
        left
    }
}

struct CacheFile {
    path: PathBuf,
    bytes: u64,
    /// When it was used last.
    used: SystemTime,
}

/// The files of a folder. Temporary files that a killed process left are removed.
fn files(folder: &Path) -> Vec<CacheFile> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let files = entries.flatten().filter_map(|entry| {
        let path = entry.path();
        let used = entry.metadata().and_then(|data| data.modified()).ok()?;
        if path.to_string_lossy().ends_with(TEMPORARY) {
            if used.elapsed().is_ok_and(|age| age > LEFT_BEHIND) {
                let _ = fs::remove_file(&path);
            }
            return None;
        }
        let bytes = used_bytes(&path)?;
        Some(CacheFile { path, bytes, used })
    });
    files.collect()
}
