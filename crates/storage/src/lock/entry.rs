//! Names of the entries that a lock makes in the work folder.

use super::file;
use super::lease;
use super::worker_file;

/// Whether a lock makes an entry of that name in the work folder.
pub fn is_lock_entry(name: &str) -> bool {
    file::is_lock_file(name) || lease::is_lease_entry(name) || worker_file::is_worker_file(name)
}
