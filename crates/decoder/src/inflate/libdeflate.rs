//! Calls libdeflate by its C functions, because the safe wrapper does not say how many
//! bytes of the input belong to the deflate data.
#![allow(
    unsafe_code,
    reason = "calls into a C library; each block has its proof"
)]

use std::alloc::{Layout, handle_alloc_error};
use std::ptr::NonNull;

use libdeflate_sys::{
    libdeflate_alloc_decompressor, libdeflate_decompressor, libdeflate_deflate_decompress_ex,
    libdeflate_free_decompressor, libdeflate_result_LIBDEFLATE_INSUFFICIENT_SPACE as NO_SPACE,
    libdeflate_result_LIBDEFLATE_SUCCESS as SUCCESS,
};

/// The working memory of libdeflate, used for one stream after another.
pub(crate) struct Decompressor(NonNull<libdeflate_decompressor>);

// SAFETY: no other pointer to the memory exists, and libdeflate does not tie it to a
// thread.
unsafe impl Send for Decompressor {}

// SAFETY: no method takes a shared reference.
unsafe impl Sync for Decompressor {}

/// The lengths of inflated data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Progress {
    /// Bytes of deflate data at the start of the input. The bytes after them were not read.
    pub(super) consumed: usize,
    /// Bytes of inflated data at the start of the output.
    pub(super) written: usize,
}

/// The reason why data were not inflated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// The input is not deflate data, or is truncated.
    BadData,
    /// The output is too short.
    NoSpace,
}

impl Decompressor {
    pub(crate) fn new() -> Self {
        // SAFETY: the function has no preconditions.
        match NonNull::new(unsafe { libdeflate_alloc_decompressor() }) {
            Some(decompressor) => Self(decompressor),
            // The size only appears in a message; libdeflate allocates about this much.
            None => handle_alloc_error(Layout::new::<[u64; 1500]>()),
        }
    }

    /// Inflates the deflate data at the start of `input` into the start of `output`.
    pub(super) fn inflate(&mut self, input: &[u8], output: &mut [u8]) -> Result<Progress, Failure> {
        let mut progress = Progress {
            consumed: 0,
            written: 0,
        };
        // SAFETY: the decompressor lives until `self` is dropped, and `&mut self` excludes
        // other uses. Input and output are given with their lengths, which the library
        // does not exceed. Both counts are valid to write.
        let result = unsafe {
            libdeflate_deflate_decompress_ex(
                self.0.as_ptr(),
                input.as_ptr().cast(),
                input.len(),
                output.as_mut_ptr().cast(),
                output.len(),
                &raw mut progress.consumed,
                &raw mut progress.written,
            )
        };
        match result {
            SUCCESS => Ok(progress),
            NO_SPACE => Err(Failure::NoSpace),
            _ => Err(Failure::BadData),
        }
    }
}

impl Drop for Decompressor {
    fn drop(&mut self) {
        // SAFETY: the pointer came from `libdeflate_alloc_decompressor` and is freed once.
        unsafe { libdeflate_free_decompressor(self.0.as_ptr()) }
    }
}
