//! The type of a chunk.
//!
//! [PNG, 5.4](https://www.w3.org/TR/png-3/#5Chunk-naming-conventions)

use std::fmt;

/// The four letters that name a chunk's type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ChunkName(pub [u8; 4]);

impl ChunkName {
    pub(crate) const HEADER: Self = Self(*b"IHDR");
    pub(crate) const PALETTE: Self = Self(*b"PLTE");
    pub(crate) const DATA: Self = Self(*b"IDAT");
    pub(crate) const END: Self = Self(*b"IEND");
    pub(crate) const TRANSPARENCY: Self = Self(*b"tRNS");
    pub(crate) const ANIMATION: Self = Self(*b"acTL");

    /// Whether a decoder that does not know the chunk may skip it.
    pub(crate) const fn is_ancillary(self) -> bool {
        self.0[0] & 0x20 != 0
    }
}

impl fmt::Display for ChunkName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.0.escape_ascii())
    }
}
