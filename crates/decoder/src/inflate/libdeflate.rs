//! libdeflate, asked for what its safe wrapper does not tell: how much of the
//! input the deflate data are.
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

/// Working memory, to be used again and again.
pub(crate) struct Decompressor(NonNull<libdeflate_decompressor>);

// SAFETY: the pointer is the only one to its memory, which no thread owns.
unsafe impl Send for Decompressor {}

// SAFETY: nothing can be done with a shared reference.
unsafe impl Sync for Decompressor {}

/// How far a stream went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Progress {
    /// Bytes of deflate data; what follows them was not looked at.
    pub(super) consumed: usize,
    /// Bytes that they inflate to.
    pub(super) written: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// Not deflate data, or cut.
    BadData,
    /// More than fits the output.
    NoSpace,
}

impl Decompressor {
    pub(crate) fn new() -> Self {
        // SAFETY: the function asks for nothing.
        match NonNull::new(unsafe { libdeflate_alloc_decompressor() }) {
            Some(decompressor) => Self(decompressor),
            None => handle_alloc_error(Layout::new::<[u64; 1500]>()), // about that much
        }
    }

    pub(super) fn deflate(&mut self, input: &[u8], output: &mut [u8]) -> Result<Progress, Failure> {
        let mut progress = Progress {
            consumed: 0,
            written: 0,
        };
        // SAFETY: the decompressor is alive until it is dropped and nobody
        // else uses it meanwhile; input and output are given with their
        // lengths, which the library keeps to; both counts are its to write.
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
        // SAFETY: it came from `libdeflate_alloc_decompressor` and is freed once.
        unsafe { libdeflate_free_decompressor(self.0.as_ptr()) }
    }
}
