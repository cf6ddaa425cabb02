//! What the allocator keeps of memory that is free again.

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
