//! From the pixels of a chunk to its stored bytes.

use std::{fmt, io};

#[cfg(test)]
use rxrx_codec::SimdLevel;
use rxrx_codec::{BlockCompressor, BlockScratch, Blosc, BloscFrame, ZSTD_LEVEL, encode_delta};
use rxrx_metadata::{ArrayGeometry, DataType};
use zstd::bulk::Compressor;
use zstd::zstd_safe::{CParameter, ParamSwitch};

use super::chain::{CHUNK_BYTES_AT_MOST, Codec, CodecError};

/// Bytes of the checksum at the end of a stored chunk.
pub(super) const CRC32C_BYTES: usize = 4;

/// Parameters of Zstd, beyond its level, for differences of pixels. No decoder needs to
/// know them.
///
/// Differences of microscope images are noise with a narrow histogram. The short
/// matches that Zstd finds in it take more bytes than entropy coding of the same
/// pixels, and the search for them takes most of the time. So Zstd looks for long
/// matches only, at every 1,024th position to begin with, and entropy codes the rest,
/// which the fast strategies do only where they are told to.
const ZSTD_FOR_DIFFERENCES: [CParameter; 3] = [
    CParameter::MinMatch(7),
    CParameter::TargetLength(1024),
    CParameter::LiteralCompressionMode(ParamSwitch::Enable),
];

/// Encodes the chunks of one array. All workers share it; each has an
/// [`EncoderScratch`] of its own.
///
/// The planes of a chunk, or its tiles of them, are pushed one after the other, so that
/// each can be encoded while it is in cache:
///
/// ```
/// # use rxrx_format::{ChunkEncoder, Codec, CodecError, EncoderScratch};
/// # fn encode(encoder: &ChunkEncoder, planes: &[Vec<u8>]) -> Result<Vec<u8>, CodecError> {
/// let (mut scratch, mut stored) = (EncoderScratch::default(), Vec::new());
/// let mut chunk = encoder.begin(&mut scratch, &mut stored);
/// for plane in planes {
///     chunk.add_plane(plane)?;
/// }
/// chunk.finish()?;
/// # Ok(stored)
/// # }
/// ```
#[derive(Debug)]
pub struct ChunkEncoder {
    codec: Codec,
    /// The type of the samples whose differences are stored, with `delta-zstd`.
    delta: Option<DataType>,
    compression: Compression,
    /// Bytes of a plane, or of a tile of one.
    plane_bytes: usize,
    chunk_bytes: usize,
}

/// The bytes-to-bytes codec before the checksum.
#[derive(Clone, Copy, Debug)]
enum Compression {
    Blosc(Blosc),
    /// Zstd with parameters that the metadata of Zarr cannot state.
    Zstd(&'static [CParameter]),
}

/// Memory that one worker keeps from chunk to chunk.
#[derive(Default)]
pub struct EncoderScratch {
    /// The pixels of a plane, or of a chunk where that is compressed as a whole.
    pixels: Vec<u8>,
    /// Half a megabyte of tables and buffers, made for the first chunk.
    zstd: Option<Compressor<'static>>,
    blocks: BlockScratch,
}

impl fmt::Debug for EncoderScratch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EncoderScratch").finish_non_exhaustive()
    }
}

impl ChunkEncoder {
    /// Makes the encoder of `codec` for the chunks of `geometry`.
    ///
    /// # Errors
    /// [`CodecError::ChunkTooLarge`].
    pub fn new(codec: Codec, geometry: &ArrayGeometry) -> Result<Self, CodecError> {
        let bytes = geometry.chunk_bytes();
        if bytes > CHUNK_BYTES_AT_MOST {
            return Err(CodecError::ChunkTooLarge { bytes });
        }
        let delta = (codec == Codec::DeltaZstd).then_some(geometry.data_type);
        let blosc = |compressor| {
            let sample_bytes = geometry.data_type.bytes();
            let blosc = Blosc::new(compressor, sample_bytes, geometry.tile_bytes());
            Compression::Blosc(blosc.with_rows(geometry.tile_width()))
        };
        let compression = match codec {
            Codec::BloscZstd => blosc(BlockCompressor::Zstd),
            Codec::BloscLz4 => blosc(BlockCompressor::Lz4),
            Codec::Zstd => Compression::Zstd(&[]),
            Codec::DeltaZstd => Compression::Zstd(&ZSTD_FOR_DIFFERENCES),
        };
        Ok(Self {
            codec,
            delta,
            compression,
            plane_bytes: geometry.tile_bytes(),
            chunk_bytes: bytes,
        })
    }

    /// Uses no instructions beyond `level`.
    #[cfg(test)]
    fn with_level(mut self, level: SimdLevel) -> Self {
        if let Compression::Blosc(blosc) = &mut self.compression {
            *blosc = blosc.with_level(level);
        }
        self
    }

    /// Begins a chunk, whose bytes replace the content of `stored`.
    ///
    /// The same pixels give the same bytes, whatever `scratch` was used for before with
    /// this encoder. `stored` gets room for the worst case, so reuse it.
    pub fn begin<'a>(
        &'a self,
        scratch: &'a mut EncoderScratch,
        stored: &'a mut Vec<u8>,
    ) -> ChunkEncoding<'a> {
        let EncoderScratch {
            pixels,
            zstd,
            blocks,
        } = scratch;
        let (buffer_bytes, stage) = match &self.compression {
            Compression::Blosc(blosc) if blosc.block_bytes() == self.plane_bytes => {
                let frame = blosc.begin(self.chunk_bytes, blocks, stored);
                (self.plane_bytes, Stage::Planes(frame))
            }
            Compression::Blosc(blosc) => {
                let frame = blosc.begin(self.chunk_bytes, blocks, stored);
                (self.chunk_bytes, Stage::Blosc(frame))
            }
            Compression::Zstd(parameters) => {
                let zstd = ZstdFrame {
                    parameters,
                    kept: zstd,
                    frame: stored,
                };
                (self.chunk_bytes, Stage::Zstd(zstd))
            }
        };
        pixels.resize(buffer_bytes, 0);
        ChunkEncoding {
            encoder: self,
            pixels,
            added: 0,
            stage,
        }
    }

    /// Returns the bytes of memory that one thread needs to encode chunks: pixels, sorted
    /// bits and the tables of the compressor.
    pub fn scratch_bytes(&self) -> usize {
        let pixels = match &self.compression {
            Compression::Blosc(blosc) if blosc.block_bytes() == self.plane_bytes => {
                self.plane_bytes
            }
            Compression::Blosc(_) | Compression::Zstd(_) => self.chunk_bytes,
        };
        pixels
            .saturating_add(self.plane_bytes)
            .saturating_add(COMPRESSOR_BYTES)
    }

    fn planes(&self) -> usize {
        self.chunk_bytes / self.plane_bytes.max(1)
    }

    pub(super) fn failed(&self, reason: impl fmt::Display) -> CodecError {
        CodecError::Failed {
            codec: self.codec,
            reason: reason.to_string(),
        }
    }
}

/// Returns the most bytes that a chunk of `chunk_bytes` of pixels is stored in, by any
/// codec: pixels that cannot be made smaller.
pub fn largest_chunk(chunk_bytes: usize) -> usize {
    let surplus = chunk_bytes / 128;
    chunk_bytes.saturating_add(surplus).saturating_add(4096)
}

/// Bytes of the tables of a compressor, rounded up.
const COMPRESSOR_BYTES: usize = 4 << 20;

/// A chunk that is being encoded, plane by plane.
///
/// Planes come in C order over sites and channels. Their samples are row-major, those
/// of 16 bits little-endian: the output of the Zarr codec `bytes`.
#[must_use = "a chunk has no bytes before finish() returns"]
pub struct ChunkEncoding<'a> {
    encoder: &'a ChunkEncoder,
    /// The next plane, or the planes of the chunk.
    pixels: &'a mut Vec<u8>,
    /// Planes pushed so far.
    added: usize,
    stage: Stage<'a>,
}

/// Where the planes go.
enum Stage<'a> {
    /// Each plane becomes a block at once, while it is in cache.
    Planes(BloscFrame<'a>),
    /// All planes are collected, because blocks and planes differ in size.
    Blosc(BloscFrame<'a>),
    /// All planes are collected, because they are compressed as a whole.
    Zstd(ZstdFrame<'a>),
}

impl fmt::Debug for ChunkEncoding<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("ChunkEncoding");
        debug.field("added", &self.added).finish_non_exhaustive()
    }
}

impl ChunkEncoding<'_> {
    /// Returns the memory for the pixels of the next plane, to be filled before
    /// [`Self::push`]. It holds pixels of earlier planes or chunks.
    ///
    /// # Errors
    /// [`CodecError::Failed`], a defect of the caller: the chunk has no further plane.
    pub fn plane_buffer(&mut self) -> Result<&mut [u8], CodecError> {
        let (encoder, planes) = (self.encoder, self.encoder.planes());
        let at = match self.stage {
            Stage::Planes(_) if self.added < planes => 0,
            _ => self.added * encoder.plane_bytes,
        };
        let buffer = self.pixels.get_mut(at..at + encoder.plane_bytes);
        buffer.ok_or_else(|| encoder.failed(format!("a chunk has {planes} planes, not more")))
    }

    /// Encodes the plane in [`Self::plane_buffer`], or keeps it where the codec takes
    /// whole chunks.
    ///
    /// # Errors
    /// [`CodecError::Failed`], a defect.
    pub fn push(&mut self) -> Result<(), CodecError> {
        self.plane_buffer()?;
        if let Stage::Planes(frame) = &mut self.stage {
            let encoded = frame.add_block(self.pixels);
            encoded.map_err(|error| self.encoder.failed(error))?;
        }
        self.added += 1;
        Ok(())
    }

    /// Encodes the next plane, whose pixels are somewhere else than in
    /// [`Self::plane_buffer`].
    ///
    /// # Errors
    /// [`CodecError::Failed`], a defect: the plane has another size, or is one too many.
    pub fn add_plane(&mut self, plane: &[u8]) -> Result<(), CodecError> {
        let encoder = self.encoder;
        let buffer = self.plane_buffer()?;
        if buffer.len() != plane.len() {
            let (found, expected) = (plane.len(), buffer.len());
            return Err(encoder.failed(format!("a plane has {expected} bytes, not {found}")));
        }
        buffer.copy_from_slice(plane);
        self.push()
    }

    /// Completes the stored bytes, once all planes are pushed, and returns their number.
    ///
    /// # Errors
    /// [`CodecError::Failed`], a defect: planes are missing, or the codec fails. The
    /// stored bytes are then unspecified.
    pub fn finish(self) -> Result<usize, CodecError> {
        let Self {
            encoder,
            pixels,
            added,
            stage,
        } = self;
        let planes = encoder.planes();
        if added != planes {
            return Err(encoder.failed(format!("a chunk has {planes} planes, not {added}")));
        }
        let stored = match stage {
            Stage::Planes(frame) => frame.finish(),
            Stage::Blosc(mut frame) => {
                let block_bytes = frame.block_bytes();
                let mut blocks = pixels.chunks(block_bytes);
                let added = blocks.try_for_each(|block| frame.add_block(block));
                added.and_then(|()| frame.finish())
            }
            Stage::Zstd(frame) => {
                if let Some(data_type) = encoder.delta {
                    encode_delta(pixels, data_type.bytes());
                }
                frame.compress(pixels)
            }
        };
        let stored = stored.map_err(|error| encoder.failed(error))?;
        let checksum = crc32c::crc32c(stored);
        stored.extend_from_slice(&checksum.to_le_bytes());
        Ok(stored.len())
    }
}

/// A Zstd frame to be written, which states its decoded size, as readers expect.
struct ZstdFrame<'a> {
    parameters: &'static [CParameter],
    /// The compressor of earlier chunks.
    kept: &'a mut Option<Compressor<'static>>,
    frame: &'a mut Vec<u8>,
}

impl<'a> ZstdFrame<'a> {
    /// Compresses `bytes` and returns the frame.
    fn compress(self, bytes: &[u8]) -> io::Result<&'a mut Vec<u8>> {
        let Self {
            parameters,
            kept,
            frame,
        } = self;
        let compressor = match kept {
            Some(compressor) => compressor,
            None => {
                let mut compressor = Compressor::new(ZSTD_LEVEL)?;
                for parameter in parameters {
                    compressor.set_parameter(*parameter)?;
                }
                kept.insert(compressor)
            }
        };
        frame.clear();
        frame.reserve(zstd::zstd_safe::compress_bound(bytes.len()) + CRC32C_BYTES);
        compressor.compress_to_buffer(bytes, frame)?;
        Ok(frame)
    }
}

#[cfg(test)]
mod pinned;
#[cfg(test)]
mod tests;
