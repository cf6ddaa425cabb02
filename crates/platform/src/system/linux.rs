//! What only Linux has.

use std::ffi::CString;
use std::fs::{File, OpenOptions};
use std::io;
use std::mem::MaybeUninit;
use std::os::unix::ffi::OsStrExt;
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
pub fn machine_id() -> Option<String> {
    let this = std::fs::read_link("/proc/self").ok()?;
    if this != Path::new(&std::process::id().to_string()) {
        return None;
    }
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let processes = std::fs::read_link("/proc/self/ns/pid").ok()?;
    Some(format!("{} {}", boot.trim(), processes.display()))
}

/// Returns the memory of this process that no file is behind, in bytes; `None` if `/proc`
/// cannot be read.
pub fn anonymous_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("RssAnon:"))?;
    let number: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(number << 10)
}

/// Returns the free bytes and the free inodes of the file system of `folder`, for a user
/// without privileges; `None` where it does not tell them, as `/proc` does not. Inodes
/// are `None` where the file system has no fixed number of them, as Btrfs has not.
pub(crate) fn free_space(folder: &Path) -> Option<(u64, Option<u64>)> {
    let folder = CString::new(folder.as_os_str().as_bytes()).ok()?;
    let mut found = MaybeUninit::<libc::statvfs>::zeroed();
    #[allow(unsafe_code, reason = "one call into the C library, with its proof")]
    // SAFETY: statvfs reads a text that ends with a zero byte, which `folder` is, writes
    // one statvfs to the other pointer, and keeps neither. All bytes of `found` were set
    // to zero before, and each field is an integer, so `found` is initialised whatever
    // the call does. https://man7.org/linux/man-pages/man3/statvfs.3.html
    let (answer, found) = unsafe {
        let answer = libc::statvfs(folder.as_ptr(), found.as_mut_ptr());
        (answer, found.assume_init())
    };
    if answer != 0 || found.f_blocks == 0 {
        return None;
    }
    #[allow(
        clippy::unnecessary_cast,
        reason = "these fields have 32 bits on some machines"
    )]
    let [blocks, block, files, files_free] = [
        found.f_bavail as u64,
        found.f_frsize as u64,
        found.f_files as u64,
        found.f_favail as u64,
    ];
    let files = (files > 0).then_some(files_free);
    Some((blocks.saturating_mul(block), files))
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
