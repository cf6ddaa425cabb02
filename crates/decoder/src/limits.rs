use crate::error::LimitExceeded;

/// What a single image may ask for. A header is believed only up to here, so
/// that a hostile or damaged file cannot take the machine's memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Most columns.
    pub max_width: u32,
    /// Most rows.
    pub max_height: u32,
    /// Most bytes of memory that one image may need: its plane plus whatever
    /// is in flight while it is decoded (inflated rows, colour samples). The
    /// file's own bytes are the caller's and do not count.
    pub max_bytes: usize,
}

impl Default for Limits {
    /// 32,768 × 32,768 pixels and 512 MiB: beyond any camera's single field of
    /// view (16,000 × 16,000 pixels of 8-bit grey fit), yet harmless on a
    /// laptop.
    fn default() -> Self {
        Self {
            max_width: 32_768,
            max_height: 32_768,
            max_bytes: 512 << 20,
        }
    }
}

impl Limits {
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
