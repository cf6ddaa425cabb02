//! What the allocator keeps of memory that is free again.

/// Pieces of this size and more are kept apart from the heap.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const LARGE: libc::c_int = 256 << 10;

/// Lets the operating system have large pieces of memory back as soon as they are
/// free, from now to the end of the process.
///
/// glibc's allocator does so only until the first ones are free: then it takes it
/// that more will come and go, and keeps what it gets of them. Here they are
/// either kept by who needs them again, or needed no more, as a list of files is.
/// A program that converts had best call this when it begins.
pub fn keep_no_free_memory() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    #[allow(unsafe_code, reason = "one call into the C library, with its proof")]
    // SAFETY: mallopt takes the allocator's lock, may be called at any time, and
    // changes nothing about memory that is in use. Should it refuse, all is as before.
    // https://man7.org/linux/man-pages/man3/mallopt.3.html
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, LARGE);
    }
}

/// Gives free memory back to the operating system.
///
/// glibc's allocator does so by itself only at the end of its heap. Lists of files
/// and tables leave holes before what is made of them, as large as they were,
/// that would count as in use from the first unit to the last.
pub(crate) fn give_back_free_memory() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    #[allow(unsafe_code, reason = "one call into the C library, with its proof")]
    // SAFETY: malloc_trim may be called at any time and from any thread (it takes
    // the allocator's own locks), and touches nothing that is in use.
    // https://man7.org/linux/man-pages/man3/malloc_trim.3.html
    unsafe {
        libc::malloc_trim(0);
    }
}
