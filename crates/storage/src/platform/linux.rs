//! What only Linux has.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Size in bytes from which glibc maps an allocation by itself.
#[cfg(target_env = "gnu")]
const MMAP_THRESHOLD: libc::c_int = 256 << 10;

/// Opens the file at `path` for writing past the page cache (`O_DIRECT`); `None` if
/// the file system has no such writes.
pub(crate) fn open_direct(path: &Path) -> io::Result<Option<File>> {
    let mut options = OpenOptions::new();
    options
        .write(true)
        .custom_flags(libc::O_DIRECT | libc::O_NOFOLLOW);
    match options.open(path) {
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(None),
        file => file.map(Some),
    }
}

/// Returns a name of this machine since its start, and of this container, which
/// numbers its processes by itself; `None` if `/proc` cannot be read, or is that of
/// another container and numbers processes as that one does.
pub(crate) fn machine_id() -> Option<String> {
    let this = std::fs::read_link("/proc/self").ok()?;
    if this != Path::new(&std::process::id().to_string()) {
        return None;
    }
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let processes = std::fs::read_link("/proc/self/ns/pid").ok()?;
    Some(format!("{} {}", boot.trim(), processes.display()))
}

/// Returns free memory of the allocator to the operating system.
///
/// glibc's allocator returns memory by itself only at the end of its heap. Lists of
/// files and tables leave holes in front of newer allocations; without this call
/// the holes would count as used memory until the process ends.
pub fn release_free_memory() {
    #[cfg(target_env = "gnu")]
    #[allow(unsafe_code, reason = "one call into the C library, with its proof")]
    // SAFETY: malloc_trim may be called at any time and from any thread (it is
    // MT-Safe: it takes the allocator's own locks), and touches no memory that
    // is in use. https://man7.org/linux/man-pages/man3/malloc_trim.3.html
    unsafe {
        libc::malloc_trim(0);
    }
}

/// Fixes the size from which glibc maps an allocation by itself at 256 KiB, so
/// that a large allocation returns to the operating system when it is freed.
///
/// Without this call glibc raises the size with the first large allocation
/// that is freed, and keeps later ones.
///
/// # Safety
/// No other thread may exist: `mallopt` is MT-Unsafe (`init const:mallopt`, see
/// [attributes(7)](https://man7.org/linux/man-pages/man7/attributes.7.html)).
/// Call it first in `main`.
#[allow(unsafe_code, reason = "the caller must prove that it is alone")]
pub unsafe fn set_mmap_threshold() {
    #[cfg(target_env = "gnu")]
    // SAFETY: the caller guarantees that no other thread exists. The call
    // changes nothing about memory that is in use; if it is refused, the
    // allocator stays as it was.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, MMAP_THRESHOLD);
    }
}
