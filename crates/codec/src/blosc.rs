//! Frames of [Blosc 1], which every C-Blosc reads.
//!
//! ```text
//! header                            | starts    | block …
//! version, version of compressor,   | u32 for   | u32 its length | compressed
//! flags, bytes a sample: u8 each;   | each      | u32 its length | compressed
//! bytes, block, frame: u32 each     | block     | …
//! ```
//!
//! All numbers are little-endian. A frame that would be larger than a header and its
//! content is stored as a copy: header, then content.
//!
//! This module writes the frames, and not C-Blosc, because C-Blosc does not pass on
//! what makes them smaller and faster: parameters for Zstd that suit sorted bits,
//! noise that Zstd need not look at, matches of LZ4 at two distances only, contexts
//! and buffers that are kept from block to block. A compressor is free to choose the
//! bytes of a block; no reader depends on the choice.
//!
//! [Blosc 1]: https://github.com/Blosc/c-blosc/blob/main/README_CHUNK_FORMAT.rst
#![allow(
    clippy::indexing_slicing,
    reason = "every frame begins with the header and the starts that begin() writes"
)]

mod block;
mod decode;
mod header;
mod lz4;
mod noise;
mod number;

use std::io;

use zstd::zstd_safe::compress_bound;

use self::block::BlockEncoder;
pub use self::block::BlockScratch;
pub use self::decode::{FrameError, decode_frame, decode_frame_part};
pub use self::header::BlockCompressor;
use self::header::{
    BITSHUFFLED, COMPRESSOR_SHIFT, COMPRESSOR_VERSION, COPIED, HEADER_BYTES, NOT_SPLIT, VERSION,
};
use self::number::{NUMBER_BYTES, write_number};
use crate::decoder_scratch::DecoderScratch;
use crate::simd::SimdLevel;

/// C-Blosc compresses no frame and makes no block of fewer bytes.
const BLOCK_BYTES_AT_LEAST: usize = 128;

/// C-Blosc refuses larger blocks: three of them, and a number for each byte of
/// the widest sample, must be countable.
const BLOCK_BYTES_AT_MOST: usize = (i32::MAX as usize - 255 * NUMBER_BYTES) / 3;

/// How the chunks of an array become frames.
#[derive(Clone, Copy, Debug)]
pub struct Blosc {
    blocks: BlockEncoder,
}

impl Blosc {
    /// Makes frames of samples of `sample_bytes` bytes, 1 or 2, in blocks of
    /// `block_bytes`, or as near to it as the format allows.
    pub fn new(compressor: BlockCompressor, sample_bytes: usize, block_bytes: usize) -> Self {
        let block_bytes = block_bytes.clamp(BLOCK_BYTES_AT_LEAST, BLOCK_BYTES_AT_MOST);
        let block_bytes = block_bytes / sample_bytes * sample_bytes;
        Self {
            blocks: BlockEncoder::new(compressor, sample_bytes, block_bytes),
        }
    }

    /// Tells the compressor that blocks consist of rows of `width` samples.
    pub fn with_rows(self, width: usize) -> Self {
        Self {
            blocks: self.blocks.with_rows(width),
        }
    }

    /// Uses no instructions beyond `level`.
    pub fn with_level(self, level: SimdLevel) -> Self {
        Self {
            blocks: self.blocks.with_level(level),
        }
    }

    /// Bytes of each block but the last.
    pub fn block_bytes(&self) -> usize {
        self.blocks.block_bytes
    }

    /// Begins the frame of `length` bytes, at most as many as an `i32` counts less the
    /// header. The frame replaces the content of `frame`.
    pub fn begin<'a>(
        &'a self,
        length: usize,
        scratch: &'a mut BlockScratch,
        frame: &'a mut Vec<u8>,
    ) -> BloscFrame<'a> {
        let blocks = length.div_ceil(self.block_bytes());
        let is_copy = length < BLOCK_BYTES_AT_LEAST;
        let starts = if is_copy { 0 } else { NUMBER_BYTES * blocks };
        frame.clear();
        frame.resize(HEADER_BYTES + starts, 0);
        // Memory that is reserved and never written is never taken.
        frame.reserve(length + blocks * (NUMBER_BYTES + compress_bound(0)));
        BloscFrame {
            encoder: &self.blocks,
            scratch,
            frame,
            length,
            added: 0,
            is_copy,
        }
    }
}

/// A frame that is being written, block by block.
pub struct BloscFrame<'a> {
    encoder: &'a BlockEncoder,
    scratch: &'a mut BlockScratch,
    frame: &'a mut Vec<u8>,
    /// Bytes of the content.
    length: usize,
    /// Blocks added so far.
    added: usize,
    /// Whether the content follows the header as it is.
    is_copy: bool,
}

impl<'a> BloscFrame<'a> {
    /// Bytes of each block but the last.
    pub fn block_bytes(&self) -> usize {
        self.encoder.block_bytes
    }

    /// Adds the next block of the content, [`Self::block_bytes`] bytes or those that
    /// are left.
    pub fn add_block(&mut self, block: &[u8]) -> io::Result<()> {
        if self.is_copy {
            self.frame.extend_from_slice(block);
            return Ok(());
        }
        let start = self.frame.len();
        write_number(self.frame, start_position(self.added), start);
        self.added += 1;
        self.frame.extend_from_slice(&[0; NUMBER_BYTES]);
        self.encoder.encode(block, self.scratch, self.frame)?;
        let length = self.frame.len() - start - NUMBER_BYTES;
        write_number(self.frame, start, length);
        Ok(())
    }

    /// Completes the frame and returns it, once all blocks are added.
    pub fn finish(mut self) -> io::Result<&'a mut Vec<u8>> {
        self.write_header();
        if !self.is_copy && self.frame.len() > HEADER_BYTES + self.length {
            self.copy_content()?;
        }
        Ok(self.frame)
    }

    fn write_header(&mut self) {
        let encoder = self.encoder;
        let copied = if self.is_copy { COPIED } else { 0 };
        let compressor = encoder.compressor.code() << COMPRESSOR_SHIFT;
        let flags = BITSHUFFLED | NOT_SPLIT | compressor | copied;
        let sample_bytes = encoder.sample_bytes as u8;
        let frame_bytes = self.frame.len();
        self.frame[..4].copy_from_slice(&[VERSION, COMPRESSOR_VERSION, flags, sample_bytes]);
        write_number(self.frame, 4, self.length);
        write_number(self.frame, 8, encoder.block_bytes.min(self.length));
        write_number(self.frame, 12, frame_bytes);
    }

    /// Replaces the blocks by their content, which is smaller. It is restored by decoding
    /// the frame: only noise does not become smaller, so that this is rare.
    #[cold]
    fn copy_content(&mut self) -> io::Result<()> {
        let mut content = vec![0; self.length];
        decode_frame(self.frame, &mut DecoderScratch::default(), &mut content)
            .map_err(io::Error::other)?;
        self.frame.truncate(HEADER_BYTES);
        self.frame.extend_from_slice(&content);
        self.is_copy = true;
        self.write_header();
        Ok(())
    }
}

/// Where the frame states the start of the block with that number.
fn start_position(block: usize) -> usize {
    HEADER_BYTES + NUMBER_BYTES * block
}

#[cfg(test)]
mod tests;
