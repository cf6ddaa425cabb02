//! The blocks of a frame: sorted bits, compressed as a whole. A block that does not
//! become smaller is stored as its sorted bits; its length shows that.

use std::io::{self, Cursor};

use ::lz4::block::CompressionMode;
use zstd::bulk::Compressor;
use zstd::zstd_safe::{CParameter, ParamSwitch, compress_bound};

use super::header::BlockCompressor;
use super::lz4::{self, Lz4Scratch};
use super::noise::{begin_zstd, noise_in_front, zstd_header};
use crate::bitshuffle::bitshuffle;
use crate::simd::SimdLevel;
use crate::zstd_context::ZSTD_LEVEL;

/// The acceleration that C-Blosc gives LZ4 at its level 5.
const LZ4_ACCELERATION: i32 = 5;

/// Parameters of Zstd, beyond its level, for bits sorted by weight. No decoder needs to
/// know them.
///
/// Planes of bits repeat themselves in long runs. A small table that takes every 16th
/// position to begin with finds them. The rest is entropy coded, which the fast
/// strategies do only where they are told to.
const ZSTD_FOR_SORTED_BITS: [CParameter; 4] = [
    CParameter::HashLog(8),
    CParameter::MinMatch(7),
    CParameter::TargetLength(16),
    CParameter::LiteralCompressionMode(ParamSwitch::Enable),
];

/// Most bytes of a part of a Zstd frame that has statistics of its own.
const ZSTD_PART_AT_MOST: usize = 128 << 10;

/// Smaller parts cost more bytes than they save.
const ZSTD_PART_AT_LEAST: usize = 4 << 10;

/// Encodes the blocks of one array.
#[derive(Clone, Copy, Debug)]
pub(super) struct BlockEncoder {
    pub(super) compressor: BlockCompressor,
    pub(super) sample_bytes: usize,
    /// Bytes of each block but the last.
    pub(super) block_bytes: usize,
    /// Bytes of a row of a plane of bits; `None` where rows are no whole bytes.
    row: Option<u16>,
    level: SimdLevel,
}

/// Memory that is kept from block to block.
#[derive(Default)]
pub struct BlockScratch {
    /// The bits of a block, sorted.
    sorted: Vec<u8>,
    lz4: Lz4Scratch,
    /// The output of LZ4's own compressor.
    lz4_output: Vec<u8>,
    /// Made for the first block.
    zstd: Option<Compressor<'static>>,
}

impl BlockEncoder {
    /// Encodes blocks of `block_bytes` bytes.
    pub(super) fn new(
        compressor: BlockCompressor,
        sample_bytes: usize,
        block_bytes: usize,
    ) -> Self {
        Self {
            compressor,
            sample_bytes,
            block_bytes,
            row: None,
            level: SimdLevel::default(),
        }
    }

    /// Takes rows of `width` samples into account.
    pub(super) fn with_rows(self, width: usize) -> Self {
        let row = u16::try_from(width / 8).ok();
        let row = row.filter(|row| width.is_multiple_of(8) && *row > 1);
        Self { row, ..self }
    }

    /// Uses no instructions beyond `level`.
    pub(super) fn with_level(self, level: SimdLevel) -> Self {
        Self { level, ..self }
    }

    /// Appends the encoded `block` to `frame`.
    pub(super) fn encode(
        &self,
        block: &[u8],
        scratch: &mut BlockScratch,
        frame: &mut Vec<u8>,
    ) -> io::Result<()> {
        let BlockScratch {
            sorted,
            lz4,
            lz4_output,
            zstd,
        } = scratch;
        sorted.resize(block.len(), 0);
        bitshuffle(block, self.sample_bytes, sorted, self.level);
        let begin = frame.len();
        match (self.compressor, self.row) {
            (BlockCompressor::Lz4, Some(row)) => lz4::compress(sorted, row, lz4, self.level, frame),
            (BlockCompressor::Lz4, None) => compress_lz4(sorted, lz4_output, frame)?,
            (BlockCompressor::Zstd, _) => self.compress_zstd(sorted, zstd, frame)?,
        }
        if frame.len() - begin >= sorted.len() {
            frame.truncate(begin);
            frame.extend_from_slice(sorted);
        }
        Ok(())
    }

    /// Appends one Zstd frame: the planes of noise as raw blocks, the others compressed.
    fn compress_zstd(
        &self,
        sorted: &[u8],
        kept: &mut Option<Compressor<'static>>,
        frame: &mut Vec<u8>,
    ) -> io::Result<()> {
        let plane_bytes = sorted.len() / self.sample_bytes / 8;
        let (noise, rest) = sorted.split_at(noise_in_front(sorted, plane_bytes));
        if !noise.is_empty() {
            begin_zstd(noise, sorted.len() as u32, frame);
        }
        let at = frame.len();
        frame.reserve(compress_bound(rest.len()));
        let mut end = Cursor::new(&mut *frame);
        end.set_position(at as u64);
        self.zstd(kept)?.compress_to_buffer(rest, &mut end)?;
        if !noise.is_empty() {
            let header = frame.get(at..).and_then(zstd_header);
            frame.drain(at..at + header.ok_or_else(unknown_frame)?);
        }
        Ok(())
    }

    /// The compressor that is kept, or a new one.
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

    /// Bytes of the parts of a Zstd frame that have statistics of their own: a plane of
    /// bits, or equal shares of it, as few as Zstd takes. Planes have little in common:
    /// those of the lowest bits are noise, those of the highest are empty. Zstd sees
    /// that only in a part by itself.
    pub(super) fn zstd_part_bytes(&self) -> usize {
        let plane = self.block_bytes / self.sample_bytes / 8;
        let share = plane.div_ceil(plane.div_ceil(ZSTD_PART_AT_MOST).max(1));
        share.max(ZSTD_PART_AT_LEAST)
    }
}

/// Appends what LZ4's own compressor makes of `sorted`.
fn compress_lz4(sorted: &[u8], output: &mut Vec<u8>, frame: &mut Vec<u8>) -> io::Result<()> {
    output.resize(::lz4::block::compress_bound(sorted.len())?, 0);
    let mode = CompressionMode::FAST(LZ4_ACCELERATION);
    let length = ::lz4::block::compress_to_buffer(sorted, Some(mode), false, output)?;
    frame.extend(output.iter().take(length));
    Ok(())
}

fn unknown_frame() -> io::Error {
    io::Error::other("Zstd wrote a frame header that this program does not know")
}
