//! Frames of [Blosc 1], which every C-Blosc reads.
//!
//! ```text
//! header                            | starts    | block …
//! version, version of compressor,   | u32 for   | u32 its length | compressed
//! flags, bytes a sample: u8 each;   | each      | u32 its length | compressed
//! bytes, block, frame: u32 each     | block     | …
//! ```
//!
//! All numbers are little-endian. A block's bits are sorted by weight, then
//! compressed as a whole; where that does not make it smaller, its sorted bits
//! stand there themselves, which their length shows. Where the frame would be
//! larger than its content and a header, it is just that.
//!
//! Written here, not by C-Blosc, for what C-Blosc does not pass on: Zstd gets
//! parameters that suit sorted bits, and no noise; LZ4's matches are looked for
//! only where they are; contexts and buffers are kept from block to block. Which
//! bytes a block is compressed to is a compressor's choice, no reader's.
//!
//! [Blosc 1]: https://github.com/Blosc/c-blosc/blob/main/README_CHUNK_FORMAT.rst
#![allow(
    clippy::indexing_slicing,
    reason = "the loops run over blocks whose lengths are computed beside them"
)]

mod lz4;
mod noise;

use std::io::{self, Cursor};

use ::lz4::block::CompressionMode;
use zstd::bulk::Compressor;
use zstd::zstd_safe::{CParameter, ParamSwitch, compress_bound};

use self::lz4::Lz4Scratch;
use self::noise::{begin_zstd, noise_in_front, zstd_header};
use super::bitshuffle::bitshuffle;
use super::chain::ZSTD_LEVEL;
use super::simd::SimdLevel;

const HEADER_BYTES: usize = 16;

/// What precedes each compressed block, and each entry of the starts.
const NUMBER_BYTES: usize = 4;

/// Less than this is not compressed, and no block is smaller.
const BLOCK_BYTES_AT_LEAST: usize = 128;

/// C-Blosc refuses larger blocks: three of them, and a number for each byte of
/// the widest sample, must be countable.
const BLOCK_BYTES_AT_MOST: usize = (i32::MAX as usize - 255 * NUMBER_BYTES) / 3;

/// Version of the frame.
const VERSION: u8 = 2;

/// Version of the block format of LZ4 and of that of Zstd.
const COMPRESSOR_VERSION: u8 = 1;

const COPIED: u8 = 0x02;
const BITSHUFFLED: u8 = 0x04;
/// A block is compressed as a whole, not each byte of its samples apart.
const NOT_SPLIT: u8 = 0x10;
const COMPRESSOR_SHIFT: u8 = 5;

/// C-Blosc's for its level 5.
const LZ4_ACCELERATION: i32 = 5;

/// What Zstd is told beyond its level, for bits sorted by weight. No decoder
/// needs to know.
///
/// What repeats in planes of bits are long runs: a small table finds them, at
/// every 16th place to begin with. The rest is entropy coded, which the fast
/// strategies leave alone unless they are told.
const ZSTD_FOR_SORTED_BITS: [CParameter; 4] = [
    CParameter::HashLog(8),
    CParameter::MinMatch(7),
    CParameter::TargetLength(16),
    CParameter::LiteralCompressionMode(ParamSwitch::Enable),
];

/// A part of a Zstd frame with statistics of its own; Zstd has none larger.
const ZSTD_PART_AT_MOST: usize = 128 << 10;

/// Smaller ones cost more than they give.
const ZSTD_PART_AT_LEAST: usize = 4 << 10;

/// What compresses the blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BlockCompressor {
    Lz4,
    Zstd,
}

impl BlockCompressor {
    /// Its number in the flags.
    fn code(self) -> u8 {
        match self {
            Self::Lz4 => 1,
            Self::Zstd => 4,
        }
    }
}

/// How the chunks of an array become frames.
#[derive(Clone, Copy, Debug)]
pub(super) struct Blosc {
    compressor: BlockCompressor,
    sample_bytes: usize,
    block_bytes: usize,
    /// Bytes of a row of a plane of bits, where rows are whole bytes.
    row: Option<u16>,
    level: SimdLevel,
}

/// Why there is no frame.
#[derive(Debug)]
pub(super) enum Stopped<E> {
    /// Who was asked for a block had none.
    Fill(E),
    /// The compressor failed.
    Codec(io::Error),
}

impl<E> From<io::Error> for Stopped<E> {
    fn from(error: io::Error) -> Self {
        Self::Codec(error)
    }
}

/// What is kept from block to block.
#[derive(Default)]
pub(super) struct BloscScratch {
    block: Vec<u8>,
    shuffled: Vec<u8>,
    rows: Lz4Scratch,
    /// Of LZ4's own compressor.
    buffer: Vec<u8>,
    /// Set up by the first block.
    zstd: Option<Compressor<'static>>,
}

impl Blosc {
    /// Frames of samples of `sample_bytes` bytes, 1 or 2, in blocks of
    /// `block_bytes`, or as near to it as the format allows.
    pub(super) fn new(
        compressor: BlockCompressor,
        sample_bytes: usize,
        block_bytes: usize,
    ) -> Self {
        let block_bytes = block_bytes.clamp(BLOCK_BYTES_AT_LEAST, BLOCK_BYTES_AT_MOST);
        Self {
            compressor,
            sample_bytes,
            block_bytes: block_bytes / sample_bytes * sample_bytes,
            row: None,
            level: SimdLevel::default(),
        }
    }

    /// Bytes of each block but the last.
    pub(super) fn block_bytes(&self) -> usize {
        self.block_bytes
    }

    /// The same for blocks of rows of `width` samples.
    pub(super) fn with_rows(self, width: usize) -> Self {
        let row = u16::try_from(width / 8).ok();
        let row = row.filter(|row| width.is_multiple_of(8) && *row > 1);
        Self { row, ..self }
    }

    /// Uses no instructions beyond `level`.
    #[cfg(test)]
    pub(super) fn with_level(self, level: SimdLevel) -> Self {
        Self { level, ..self }
    }

    /// Replaces the content of `frame` with the frame of `length` bytes, not more
    /// than an `i32` counts, less the header. `fill` writes the block with that
    /// number; it is asked for each block, and for all of them again where they do
    /// not get smaller.
    pub(super) fn encode<E>(
        &self,
        length: usize,
        scratch: &mut BloscScratch,
        frame: &mut Vec<u8>,
        mut fill: impl FnMut(usize, &mut [u8]) -> Result<(), E>,
    ) -> Result<(), Stopped<E>> {
        let blocks = length.div_ceil(self.block_bytes);
        let block = |number: usize| {
            let start = number * self.block_bytes;
            start..length.min(start + self.block_bytes)
        };
        let body = HEADER_BYTES + NUMBER_BYTES * blocks;
        frame.clear();
        frame.resize(body, 0);
        // What is reserved and never written takes no memory.
        frame.reserve(length + blocks * (NUMBER_BYTES + compress_bound(0)));
        let worthwhile = length >= BLOCK_BYTES_AT_LEAST;
        if worthwhile {
            for number in 0..blocks {
                scratch.block.resize(block(number).len(), 0);
                fill(number, &mut scratch.block).map_err(Stopped::Fill)?;
                let start = frame.len();
                write_number(frame, HEADER_BYTES + NUMBER_BYTES * number, start);
                self.encode_block(scratch, frame)?;
            }
        }
        let mut flags = BITSHUFFLED | NOT_SPLIT | self.compressor.code() << COMPRESSOR_SHIFT;
        if !worthwhile || frame.len() > HEADER_BYTES + length {
            flags |= COPIED;
            frame.resize(HEADER_BYTES + length, 0);
            let content = &mut frame[HEADER_BYTES..];
            for number in 0..blocks {
                fill(number, &mut content[block(number)]).map_err(Stopped::Fill)?;
            }
        }
        frame[..4].copy_from_slice(&[VERSION, COMPRESSOR_VERSION, flags, self.sample_bytes as u8]);
        write_number(frame, 4, length);
        write_number(frame, 8, self.block_bytes.min(length));
        let frame_bytes = frame.len();
        write_number(frame, 12, frame_bytes);
        Ok(())
    }

    /// Appends the block in `scratch` to `frame`.
    fn encode_block(&self, scratch: &mut BloscScratch, frame: &mut Vec<u8>) -> io::Result<()> {
        let BloscScratch {
            block,
            shuffled,
            rows,
            buffer,
            zstd,
        } = scratch;
        shuffled.resize(block.len(), 0);
        bitshuffle(block, self.sample_bytes, shuffled, self.level);
        let begin = frame.len() + NUMBER_BYTES;
        frame.extend_from_slice(&[0; NUMBER_BYTES]);
        match self.compressor {
            BlockCompressor::Lz4 => match self.row {
                Some(row) => lz4::compress(shuffled, row, rows, self.level, frame),
                None => {
                    buffer.resize(::lz4::block::compress_bound(block.len())?, 0);
                    let mode = CompressionMode::FAST(LZ4_ACCELERATION);
                    let length =
                        ::lz4::block::compress_to_buffer(shuffled, Some(mode), false, buffer)?;
                    frame.extend_from_slice(&buffer[..length]);
                }
            },
            BlockCompressor::Zstd => {
                let plane_bytes = block.len() / self.sample_bytes / 8;
                let noise = noise_in_front(shuffled, plane_bytes);
                let (noise, rest) = shuffled.split_at(noise);
                if !noise.is_empty() {
                    begin_zstd(noise, block.len() as u32, frame);
                }
                let at = frame.len();
                frame.reserve(compress_bound(rest.len()));
                let mut end = Cursor::new(&mut *frame);
                end.set_position(at as u64);
                self.zstd(zstd)?.compress_to_buffer(rest, &mut end)?;
                if !noise.is_empty() {
                    let header = zstd_header(&frame[at..]).ok_or_else(unknown_frame)?;
                    frame.drain(at..at + header);
                }
            }
        }
        if frame.len() - begin >= block.len() {
            frame.truncate(begin);
            frame.extend_from_slice(shuffled);
        }
        let length = frame.len() - begin;
        write_number(frame, begin - NUMBER_BYTES, length);
        Ok(())
    }

    fn zstd<'a>(
        &self,
        kept: &'a mut Option<Compressor<'static>>,
    ) -> io::Result<&'a mut Compressor<'static>> {
        match kept {
            Some(compressor) => Ok(compressor),
            None => {
                let mut compressor = Compressor::new(ZSTD_LEVEL)?;
                for parameter in ZSTD_FOR_SORTED_BITS {
                    compressor.set_parameter(parameter)?;
                }
                let part = CParameter::MaxBlockSize(self.zstd_part_bytes() as u32);
                compressor.set_parameter(part)?;
                Ok(kept.insert(compressor))
            }
        }
    }

    /// One plane of bits, or one of the fewest equal shares of it that Zstd
    /// takes. The planes have little in common: those of the lowest bits are
    /// noise, those of the highest empty, and only what has statistics of its
    /// own is seen to be either.
    fn zstd_part_bytes(&self) -> usize {
        let plane = self.block_bytes / self.sample_bytes / 8;
        let share = plane.div_ceil(plane.div_ceil(ZSTD_PART_AT_MOST).max(1));
        share.max(ZSTD_PART_AT_LEAST)
    }
}

fn unknown_frame() -> io::Error {
    io::Error::other("Zstd made a frame of a kind that it was not asked for")
}

fn write_number(frame: &mut [u8], at: usize, number: usize) {
    // A chunk is at most what an `i32` counts.
    frame[at..at + NUMBER_BYTES].copy_from_slice(&(number as u32).to_le_bytes());
}

#[cfg(test)]
mod tests;
