//! A decompressor of Zstd that is kept, and the level of the compressor.

use std::{fmt, io};

use zstd::bulk::Decompressor;

/// Level of Zstd, as the metadata states it.
pub const ZSTD_LEVEL: i32 = 1;

/// A decompressor of Zstd with its tables, made when it is first used. Making one takes
/// as long as decoding a small chunk.
#[derive(Default)]
pub struct ZstdContext(Option<Decompressor<'static>>);

impl fmt::Debug for ZstdContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ZstdContext")
            .field(&self.0.is_some())
            .finish()
    }
}

impl ZstdContext {
    /// Decompresses the frames in `compressed` into `bytes`, and returns how many bytes they
    /// give.
    ///
    /// # Errors
    /// They are no frames of Zstd, or give more bytes than fit.
    pub fn decompress(&mut self, compressed: &[u8], bytes: &mut [u8]) -> io::Result<usize> {
        let context = match &mut self.0 {
            Some(context) => context,
            None => self.0.insert(Decompressor::new()?),
        };
        context.decompress_to_buffer(compressed, bytes)
    }
}
