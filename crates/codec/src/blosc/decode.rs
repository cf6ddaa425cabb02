//! The decoder of frames.
//!
//! It reads every frame of LZ4 or Zstd blocks with bitshuffle or without a filter, from
//! any program. The sizes that a frame states never decide how much memory is allocated:
//! the caller gives the size of the pixels.
//!
//! [Blosc 1]: https://github.com/Blosc/c-blosc/blob/main/README_CHUNK_FORMAT.rst

use std::ops::Range;

use super::header::{
    BITSHUFFLED, BlockCompressor, COMPRESSOR_SHIFT, COPIED, HEADER_BYTES, NOT_SPLIT, VERSION,
};
use super::number::NUMBER_BYTES;
use crate::bitshuffle::bitunshuffle;
use crate::decoder_scratch::DecoderScratch;
use crate::zstd_context::ZstdContext;

/// Flag: the filter that sorts bytes, which no array of a dataset has.
const BYTE_SHUFFLED: u8 = 0x01;

/// Cause that makes a frame unusable.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// The frame ends before its header or one of its blocks does.
    #[error("the frame is cut off")]
    CutOff,
    /// The frame holds another number of bytes than a chunk of the array.
    #[error("it decodes to {found} bytes, and a chunk of this array has {expected}")]
    Length {
        /// Bytes of a chunk.
        expected: usize,
        /// Bytes that the frame states.
        found: usize,
    },
    /// The frame has a version, filter, compressor or sample size that no codec
    /// of a dataset has.
    #[error("the frame has {0}")]
    Unsupported(String),
    /// The compressor refuses a block.
    #[error("block {block}: {reason}")]
    Block {
        /// Number of the block.
        block: usize,
        /// Reason, as the compressor gives it.
        reason: String,
    },
}

/// The header of a frame.
struct Header {
    flags: u8,
    sample_bytes: usize,
    block_bytes: usize,
    compressor: BlockCompressor,
}

/// Decodes `frame` into `pixels`, exactly one chunk long.
///
/// # Errors
/// [`FrameError`]. The content of `pixels` is then unspecified.
pub fn decode_frame(
    frame: &[u8],
    scratch: &mut DecoderScratch,
    pixels: &mut [u8],
) -> Result<(), FrameError> {
    decode_frame_part(frame, scratch, pixels, |_| true)
}

/// Decodes the blocks of `frame` that `is_wanted` chooses by their places in `pixels`,
/// exactly one chunk long. The other places hold any bytes afterwards.
///
/// # Errors
/// [`FrameError`]. A damaged block that is not wanted may not be noticed.
pub fn decode_frame_part(
    frame: &[u8],
    scratch: &mut DecoderScratch,
    pixels: &mut [u8],
    is_wanted: impl Fn(Range<usize>) -> bool,
) -> Result<(), FrameError> {
    let header = Header::parse(frame, pixels.len())?;
    if header.flags & COPIED != 0 {
        let content = frame
            .get(HEADER_BYTES..)
            .and_then(|rest| rest.get(..pixels.len()));
        pixels.copy_from_slice(content.ok_or(FrameError::CutOff)?);
        return Ok(());
    }
    for (number, block) in pixels.chunks_mut(header.block_bytes).enumerate() {
        let start = number * header.block_bytes;
        if is_wanted(start..start + block.len()) {
            header.decode_block(frame, number, scratch, block)?;
        }
    }
    Ok(())
}

impl Header {
    fn parse(frame: &[u8], expected: usize) -> Result<Self, FrameError> {
        let &[version, _, flags, sample_bytes, ..] = frame else {
            return Err(FrameError::CutOff);
        };
        let found = number_at(frame, 4)?;
        let block_bytes = number_at(frame, 8)?;
        if found != expected {
            return Err(FrameError::Length { expected, found });
        }
        let unsupported = |what: String| Err(FrameError::Unsupported(what));
        if version != VERSION {
            return unsupported(format!("version {version}, expected {VERSION}"));
        }
        if flags & BYTE_SHUFFLED != 0 {
            return unsupported("the filter byte shuffle".to_owned());
        }
        if !matches!(sample_bytes, 1 | 2) {
            return unsupported(format!("samples of {sample_bytes} bytes"));
        }
        let compressors = [BlockCompressor::Lz4, BlockCompressor::Zstd];
        let code = flags >> COMPRESSOR_SHIFT;
        let Some(compressor) = compressors.into_iter().find(|known| known.code() == code) else {
            return unsupported(format!("compressor {code}"));
        };
        if block_bytes == 0 && flags & COPIED == 0 {
            return unsupported("blocks of no bytes".to_owned());
        }
        Ok(Self {
            flags,
            sample_bytes: sample_bytes.into(),
            block_bytes,
            compressor,
        })
    }

    /// Decodes one block of the frame.
    fn decode_block(
        &self,
        frame: &[u8],
        number: usize,
        scratch: &mut DecoderScratch,
        block: &mut [u8],
    ) -> Result<(), FrameError> {
        let start = number_at(frame, HEADER_BYTES + NUMBER_BYTES * number)?;
        let streams = if self.flags & NOT_SPLIT != 0 || block.len() < self.block_bytes {
            1
        } else {
            self.sample_bytes
        };
        let DecoderScratch {
            sorted,
            zstd,
            level,
        } = scratch;
        if self.flags & BITSHUFFLED == 0 {
            return self.decompress_block(frame, number, start, streams, zstd, block);
        }
        // Bits that would not become smaller are sorted back from where they are.
        if let (1, Some(stored)) = (streams, stream_at(frame, start, block.len())) {
            bitunshuffle(stored, self.sample_bytes, block, *level);
            return Ok(());
        }
        if sorted.len() < block.len() {
            sorted.resize(block.len(), 0);
        }
        let (sorted, _) = sorted.split_at_mut(block.len());
        self.decompress_block(frame, number, start, streams, zstd, sorted)?;
        bitunshuffle(sorted, self.sample_bytes, block, *level);
        Ok(())
    }

    /// Decompresses the streams of a block, which begin at `start`.
    fn decompress_block(
        &self,
        frame: &[u8],
        number: usize,
        start: usize,
        streams: usize,
        zstd: &mut ZstdContext,
        block: &mut [u8],
    ) -> Result<(), FrameError> {
        let stream_bytes = block.len().div_ceil(streams).max(1);
        let mut position = start;
        for stream in block.chunks_mut(stream_bytes) {
            let length = number_at(frame, position)?;
            let bytes = stream_at(frame, position, length).ok_or(FrameError::CutOff)?;
            self.decompress(number, bytes, zstd, stream)?;
            position += NUMBER_BYTES + length;
        }
        Ok(())
    }

    /// Decompresses one stream of a block. A stream that would not become smaller is
    /// stored as it is.
    fn decompress(
        &self,
        block: usize,
        bytes: &[u8],
        zstd: &mut ZstdContext,
        stream: &mut [u8],
    ) -> Result<(), FrameError> {
        if bytes.len() == stream.len() {
            stream.copy_from_slice(bytes);
            return Ok(());
        }
        let refused = |error: std::io::Error| FrameError::Block {
            block,
            reason: error.to_string(),
        };
        let length = match self.compressor {
            BlockCompressor::Lz4 => {
                let length = i32::try_from(stream.len()).map_err(|_| FrameError::CutOff)?;
                ::lz4::block::decompress_to_buffer(bytes, Some(length), stream).map_err(refused)?
            }
            BlockCompressor::Zstd => zstd.decompress(bytes, stream).map_err(refused)?,
        };
        if length == stream.len() {
            Ok(())
        } else {
            let reason = format!("decodes to {length} bytes, expected {}", stream.len());
            Err(FrameError::Block { block, reason })
        }
    }
}

/// The stream at `position`, behind its length; `None` if it has another length, or is cut
/// off.
fn stream_at(frame: &[u8], position: usize, length: usize) -> Option<&[u8]> {
    let found = number_at(frame, position).ok()?;
    let begin = position.checked_add(NUMBER_BYTES)?;
    let bytes = frame.get(begin..begin.checked_add(length)?)?;
    (found == length).then_some(bytes)
}

/// Reads the little-endian number of four bytes at `position`.
fn number_at(frame: &[u8], position: usize) -> Result<usize, FrameError> {
    let bytes = frame.get(position..).and_then(<[u8]>::first_chunk);
    let bytes = bytes.ok_or(FrameError::CutOff)?;
    Ok(u32::from_le_bytes(*bytes) as usize)
}

#[cfg(test)]
mod tests;
