//! The header of a frame: its constants, and the compressors that it can name.

/// Bytes of the header.
pub(super) const HEADER_BYTES: usize = 16;

/// Version of the frame.
pub(super) const VERSION: u8 = 2;

/// Version of the block format of LZ4 and of that of Zstd.
pub(super) const COMPRESSOR_VERSION: u8 = 1;

/// Flag: the content follows the header as it is.
pub(super) const COPIED: u8 = 0x02;
/// Flag: the bits of each block are sorted.
pub(super) const BITSHUFFLED: u8 = 0x04;
/// Flag: a block is compressed as a whole, not each byte of its samples by itself.
pub(super) const NOT_SPLIT: u8 = 0x10;
/// Lowest bit of the flags that holds the number of the compressor.
pub(super) const COMPRESSOR_SHIFT: u8 = 5;

/// The compressor of the blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlockCompressor {
    /// LZ4.
    Lz4,
    /// Zstd.
    Zstd,
}

impl BlockCompressor {
    /// Its number in the flags of a frame.
    pub(super) fn code(self) -> u8 {
        match self {
            Self::Lz4 => 1,
            Self::Zstd => 4,
        }
    }
}
