//! From the pixels of a chunk to its stored bytes.
#![allow(
    clippy::indexing_slicing,
    reason = "there are as many blocks as are asked for"
)]

use std::{fmt, io};

use rxrx_metadata::{ArrayGeometry, DataType};
use zstd::bulk::Compressor;
use zstd::zstd_safe::{CParameter, ParamSwitch};

use super::blosc::{BlockCompressor, Blosc, BloscScratch, Stopped};
use super::chain::{CHUNK_BYTES_AT_MOST, Codec, CodecError, ZSTD_LEVEL};
use super::delta::encode_delta;
#[cfg(test)]
use super::simd::SimdLevel;

pub(super) const CRC32C_BYTES: usize = 4;

/// What Zstd is told beyond its level, for differences of pixels. No decoder
/// needs to know.
///
/// Differences of microscope images are noise with a narrow histogram. The
/// short matches that Zstd finds in it cost more than the entropy coder gives
/// for the same bytes, and finding them is what takes the time. So it looks
/// for long ones only, at every 1,024th place to begin with, and entropy codes
/// the rest, which the fast strategies leave alone unless they are told.
const ZSTD_FOR_DIFFERENCES: [CParameter; 3] = [
    CParameter::MinMatch(7),
    CParameter::TargetLength(1024),
    CParameter::LiteralCompressionMode(ParamSwitch::Enable),
];

/// Encodes the chunks of one array. Shared by all workers, each of which
/// brings its own [`EncoderScratch`].
#[derive(Debug)]
pub struct ChunkEncoder {
    codec: Codec,
    delta: Option<DataType>,
    compression: Compression,
    plane_bytes: usize,
    chunk_bytes: usize,
}

/// The bytes-to-bytes codec before the checksum.
#[derive(Debug)]
enum Compression {
    Blosc(Blosc),
    /// With parameters that Zarr's metadata has no place for.
    Zstd(&'static [CParameter]),
}

/// What one worker keeps from chunk to chunk.
#[derive(Default)]
pub struct EncoderScratch {
    /// The whole chunk, where it is compressed as a whole.
    pixels: Vec<u8>,
    /// Half a megabyte of tables and buffers, set up by its first chunk.
    zstd: Option<Compressor<'static>>,
    blosc: BloscScratch,
}

impl fmt::Debug for EncoderScratch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EncoderScratch").finish_non_exhaustive()
    }
}

impl ChunkEncoder {
    /// The chain of `codec` for the chunks of `geometry`.
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
            let blosc = Blosc::new(compressor, sample_bytes, geometry.plane_bytes());
            Compression::Blosc(blosc.with_rows(geometry.width))
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
            plane_bytes: geometry.plane_bytes(),
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

    /// Encodes one chunk, whose planes it asks `fill` for: that writes the pixels
    /// of the plane with that number, counted over sites and channels in C order,
    /// 16-bit samples little-endian, which are the `bytes` codec's own output.
    /// Whatever was in the memory that it is given stays where it writes nothing.
    ///
    /// A plane is encoded while it is still in cache, where the codec allows it. It
    /// may be asked for again, if that did not make the chunk any smaller. The same
    /// pixels give the same bytes, whatever the scratch was used for before with
    /// this encoder.
    ///
    /// The bytes replace the content of `stored`; what it allocates is for the
    /// worst case, so keep it and use it again.
    ///
    /// # Errors
    /// Whatever `fill` returns; [`CodecError::Failed`], a defect. The content of
    /// `stored` is then unspecified.
    pub fn encode<E: From<CodecError>>(
        &self,
        scratch: &mut EncoderScratch,
        stored: &mut Vec<u8>,
        mut fill: impl FnMut(usize, &mut [u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let EncoderScratch {
            pixels,
            zstd,
            blosc: blosc_scratch,
        } = scratch;
        let encoded = match &self.compression {
            Compression::Blosc(blosc) if blosc.block_bytes() == self.plane_bytes => {
                blosc.encode(self.chunk_bytes, blosc_scratch, stored, fill)
            }
            compression => {
                pixels.resize(self.chunk_bytes, 0);
                for (number, plane) in pixels.chunks_exact_mut(self.plane_bytes).enumerate() {
                    fill(number, plane)?;
                }
                if let Some(data_type) = self.delta {
                    encode_delta(pixels, data_type);
                }
                match compression {
                    Compression::Blosc(blosc) => {
                        let blocks: Vec<&[u8]> = pixels.chunks(blosc.block_bytes()).collect();
                        let copy = |block: usize, target: &mut [u8]| {
                            target.copy_from_slice(blocks[block]);
                            Ok(())
                        };
                        blosc.encode(self.chunk_bytes, blosc_scratch, stored, copy)
                    }
                    Compression::Zstd(parameters) => {
                        compress(pixels, parameters, zstd, stored).map_err(Stopped::Codec)
                    }
                }
            }
        };
        encoded.map_err(|stopped| match stopped {
            Stopped::Fill(error) => error,
            Stopped::Codec(error) => E::from(CodecError::Failed {
                codec: self.codec,
                reason: error.to_string(),
            }),
        })?;
        let checksum = crc32c::crc32c(stored);
        stored.extend_from_slice(&checksum.to_le_bytes());
        Ok(())
    }
}

/// One frame that states its decoded size, as readers expect.
fn compress(
    bytes: &[u8],
    parameters: &[CParameter],
    kept: &mut Option<Compressor<'static>>,
    frame: &mut Vec<u8>,
) -> io::Result<()> {
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
    Ok(())
}

#[cfg(test)]
mod pinned;
#[cfg(test)]
mod tests;
