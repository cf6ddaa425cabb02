//! From the stored bytes of a chunk to its pixels.

use std::fmt;
use std::sync::{Mutex, PoisonError};

use rxrx_metadata::{ArrayGeometry, DataType};

use super::blosc::{FrameError, FrameScratch, decode_frame};
use super::chain::{CHUNK_BYTES_AT_MOST, Codec, CodecError};
use super::delta::decode_delta;
use super::encoder::CRC32C_BYTES;

/// Decodes the chunks of one array. It does not trust their bytes: sizes that they state
/// never decide how much memory is allocated.
#[derive(Debug)]
pub struct ChunkDecoder {
    codec: Codec,
    delta: Option<DataType>,
    compression: Compression,
    chunk_bytes: usize,
}

/// The bytes-to-bytes codec before the checksum.
enum Compression {
    /// With the buffers of as many threads as ever decoded at once.
    Blosc(Mutex<Vec<FrameScratch>>),
    Zstd,
}

impl fmt::Debug for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Blosc(_) => "Blosc",
            Self::Zstd => "Zstd",
        })
    }
}

/// Cause that makes a stored chunk unusable.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChunkDecodeError {
    /// The chunk is shorter than a checksum or a header.
    #[error("{bytes} bytes are too few for a chunk")]
    TooShort {
        /// Size of the stored chunk.
        bytes: usize,
    },
    /// The checksum is not that of the chunk.
    #[error("CRC-32C of the chunk is {computed:08x}, the shard says {stored:08x}")]
    Checksum {
        /// Checksum at the end of the chunk.
        stored: u32,
        /// Checksum of the bytes before it.
        computed: u32,
    },
    /// The chunk, or the metadata of the array, belongs to another array.
    #[error("it decodes to {actual} bytes, and a chunk of this array has {expected}")]
    Length {
        /// Size of the pixels of a chunk.
        expected: usize,
        /// Size of the decoded chunk, as the stored bytes give it.
        actual: usize,
    },
    /// The checksum is right, but the codec cannot decode the chunk.
    #[error("codec {codec} refuses it: {reason}")]
    Refused {
        /// The codec of the array.
        codec: Codec,
        /// Reason, as the codec library gives it.
        reason: String,
    },
}

impl ChunkDecoder {
    /// Makes the decoder of `codec` for the chunks of `geometry`.
    ///
    /// # Errors
    /// [`CodecError::ChunkTooLarge`].
    pub fn new(codec: Codec, geometry: &ArrayGeometry) -> Result<Self, CodecError> {
        let chunk_bytes = geometry.chunk_bytes();
        if chunk_bytes > CHUNK_BYTES_AT_MOST {
            return Err(CodecError::ChunkTooLarge { bytes: chunk_bytes });
        }
        Ok(Self {
            codec,
            delta: (codec == Codec::DeltaZstd).then_some(geometry.data_type),
            compression: match codec {
                Codec::BloscZstd | Codec::BloscLz4 => Compression::Blosc(Mutex::default()),
                Codec::Zstd | Codec::DeltaZstd => Compression::Zstd,
            },
            chunk_bytes,
        })
    }

    /// Decodes one stored chunk into `pixels`, exactly one chunk long: C order,
    /// 16-bit samples little-endian. After an error their content is
    /// unspecified.
    ///
    /// # Errors
    /// [`ChunkDecodeError`]: the checksum is wrong, the codec cannot decode the chunk, or
    /// the chunk or `pixels` has another length.
    pub fn decode(&self, bytes: &[u8], pixels: &mut [u8]) -> Result<(), ChunkDecodeError> {
        let expected = self.chunk_bytes;
        let of_length = |actual: usize| match actual {
            actual if actual == expected => Ok(()),
            actual => Err(ChunkDecodeError::Length { expected, actual }),
        };
        of_length(pixels.len())?;
        let Some((compressed, checksum)) = bytes.split_last_chunk::<CRC32C_BYTES>() else {
            return Err(ChunkDecodeError::TooShort { bytes: bytes.len() });
        };
        let stored = u32::from_le_bytes(*checksum);
        let computed = crc32c::crc32c(compressed);
        if stored != computed {
            return Err(ChunkDecodeError::Checksum { stored, computed });
        }
        match &self.compression {
            Compression::Blosc(scratches) => {
                let lock = || scratches.lock().unwrap_or_else(PoisonError::into_inner);
                let taken = lock().pop();
                let mut scratch = taken.unwrap_or_default();
                let decoded = decode_frame(compressed, &mut scratch, pixels);
                lock().push(scratch);
                decoded.map_err(|error| match error {
                    FrameError::Length { expected, found } => ChunkDecodeError::Length {
                        expected,
                        actual: found,
                    },
                    FrameError::CutOff => ChunkDecodeError::TooShort { bytes: bytes.len() },
                    error => self.refused(&error),
                })?;
            }
            Compression::Zstd => {
                let written = zstd::bulk::decompress_to_buffer(compressed, pixels)
                    .map_err(|error| self.refused(&error))?;
                of_length(written)?;
            }
        }
        if let Some(data_type) = self.delta {
            decode_delta(pixels, data_type);
        }
        Ok(())
    }

    fn refused(&self, reason: &dyn std::fmt::Display) -> ChunkDecodeError {
        ChunkDecodeError::Refused {
            codec: self.codec,
            reason: reason.to_string(),
        }
    }
}

#[cfg(test)]
mod tests;
