//! Memory of a thread that decodes.

use std::io;

use crate::simd::SimdLevel;
use crate::zstd_context::ZstdContext;

/// What one thread keeps from chunk to chunk: a context of Zstd, and a block of sorted bits.
#[derive(Debug, Default)]
pub struct DecoderScratch {
    /// The sorted bits of a block, followed by bytes of earlier and longer ones.
    pub(crate) sorted: Vec<u8>,
    pub(crate) zstd: ZstdContext,
    pub(crate) level: SimdLevel,
}

impl DecoderScratch {
    /// Makes a scratch for decoding with no instructions beyond `level`.
    pub fn with_level(level: SimdLevel) -> Self {
        Self {
            level,
            ..Self::default()
        }
    }

    /// The largest instruction set that may be used.
    pub fn level(&self) -> SimdLevel {
        self.level
    }

    /// Decompresses a Zstd frame of exactly as many bytes as `bytes` has. The number
    /// returned is another one if the frame has fewer.
    ///
    /// # Errors
    /// The bytes are no frames of Zstd, or give more bytes than fit.
    pub fn decompress_zstd(&mut self, compressed: &[u8], bytes: &mut [u8]) -> io::Result<usize> {
        self.zstd.decompress(compressed, bytes)
    }
}
