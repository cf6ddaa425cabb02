//! Bounds on the size of an image.

use crate::error::LimitExceeded;

/// Bounds on the image that a decoder accepts. They protect the memory of the machine from
/// hostile and damaged files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Largest number of columns.
    pub max_width: u32,
    /// Largest number of rows.
    pub max_height: u32,
    /// Largest number of bytes that decoding one image may need: its plane and what is in
    /// memory with it (inflated rows, colour samples). The bytes of the file do not count,
    /// because the caller holds them.
    pub max_bytes: usize,
}

impl Default for Limits {
    /// 32,768 x 32,768 pixels and 512 MiB. That is more than the field of view of any camera
    /// (16,000 x 16,000 pixels of 8-bit grey fit), and less than the memory of a laptop.
    fn default() -> Self {
        Self {
            max_width: 32_768,
            max_height: 32_768,
            max_bytes: 512 << 20,
        }
    }
}

impl Limits {
    /// Checks rows and columns.
    pub(crate) fn check_dimensions(&self, height: u32, width: u32) -> Result<(), LimitExceeded> {
        if height > self.max_height || width > self.max_width {
            return Err(LimitExceeded::Dimensions {
                height,
                width,
                max_height: self.max_height,
                max_width: self.max_width,
            });
        }
        Ok(())
    }

    /// Checks the bytes of memory that decoding needs.
    pub(crate) fn check_memory(&self, needed: u64) -> Result<(), LimitExceeded> {
        if usize::try_from(needed).map_or(true, |needed| needed > self.max_bytes) {
            return Err(LimitExceeded::Memory {
                needed,
                limit: self.max_bytes,
            });
        }
        Ok(())
    }
}
