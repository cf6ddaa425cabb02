//! From the stored bytes of a chunk to its pixels.

use std::ops::Range;
use std::sync::Mutex;

use rxrx_codec::{
    DecoderScratch, FrameError, decode_delta, decode_frame_part, plain_frame, plain_sums,
    plain_zstd,
};
use rxrx_metadata::{ArrayGeometry, DataType};

use super::chain::{CHUNK_BYTES_AT_MOST, Codec, CodecError};
use super::encoder::CRC32C_BYTES;

/// Decodes the chunks of one array. It does not trust their bytes: sizes that they state
/// never decide how much memory is allocated.
#[derive(Debug)]
pub struct ChunkDecoder {
    codec: Codec,
    /// The type of the samples whose differences are stored, with `delta-zstd`.
    delta: Option<DataType>,
    chunk_bytes: usize,
    /// What threads keep that decode without a scratch of their own.
    spare: Mutex<Vec<DecoderScratch>>,
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
            chunk_bytes,
            spare: Mutex::default(),
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
        // Nobody waits: in a process that was forked, the thread that holds the list may be
        // gone.
        let taken = self.spare.try_lock().ok().and_then(|mut spare| spare.pop());
        let mut scratch = taken.unwrap_or_default();
        let decoded = self.decode_with(bytes, pixels, &mut scratch);
        if let Ok(mut spare) = self.spare.try_lock() {
            spare.push(scratch);
        }
        decoded
    }

    /// Decodes as [`Self::decode`] does, with the memory of the calling thread. It may have
    /// served any other decoder before.
    ///
    /// # Errors
    /// The errors of [`Self::decode`].
    pub fn decode_with(
        &self,
        bytes: &[u8],
        pixels: &mut [u8],
        scratch: &mut DecoderScratch,
    ) -> Result<(), ChunkDecodeError> {
        self.decode_part(bytes, pixels, scratch, |_| true)
    }

    /// Decodes at least the parts of a stored chunk that `is_wanted` chooses by their places
    /// in `pixels`, which is one chunk long. Blosc can leave out planes, or tiles of planes;
    /// their places hold any bytes afterwards. The checksum is that of the whole chunk.
    ///
    /// # Errors
    /// The errors of [`Self::decode`].
    pub fn decode_part(
        &self,
        bytes: &[u8],
        pixels: &mut [u8],
        scratch: &mut DecoderScratch,
        is_wanted: impl Fn(Range<usize>) -> bool,
    ) -> Result<(), ChunkDecodeError> {
        let compressed = self.checked(bytes)?;
        self.of_length(pixels.len())?;
        match self.codec {
            Codec::BloscZstd | Codec::BloscLz4 => {
                decode_frame_part(compressed, scratch, pixels, is_wanted).map_err(|error| {
                    match error {
                        FrameError::Length { expected, found } => ChunkDecodeError::Length {
                            expected,
                            actual: found,
                        },
                        FrameError::CutOff => ChunkDecodeError::TooShort { bytes: bytes.len() },
                        error => self.refused(&error),
                    }
                })?
            }
            Codec::Zstd | Codec::DeltaZstd => {
                let written = scratch
                    .decompress_zstd(compressed, pixels)
                    .map_err(|error| self.refused(&error))?;
                self.of_length(written)?;
            }
        }
        if let Some(data_type) = self.delta {
            decode_delta(pixels, data_type.bytes(), scratch.level());
        }
        Ok(())
    }

    /// Decodes a stored chunk a second time, by a slow decoder that shares no code with
    /// [`Self::decode`]. `None` if it refuses the chunk.
    pub fn decode_plainly(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        let (compressed, _) = bytes.split_last_chunk::<CRC32C_BYTES>()?;
        match self.codec {
            Codec::BloscZstd | Codec::BloscLz4 => plain_frame(compressed, self.chunk_bytes),
            Codec::Zstd | Codec::DeltaZstd => {
                let bytes = plain_zstd(compressed, self.chunk_bytes)?;
                Some(match self.delta {
                    Some(data_type) => plain_sums(&bytes, data_type.bytes()),
                    None => bytes,
                })
            }
        }
    }

    /// Returns the bytes of a stored chunk before its checksum, which is that of the bytes.
    ///
    /// # Errors
    /// [`ChunkDecodeError::TooShort`], [`ChunkDecodeError::Checksum`].
    fn checked<'a>(&self, bytes: &'a [u8]) -> Result<&'a [u8], ChunkDecodeError> {
        let Some((compressed, checksum)) = bytes.split_last_chunk::<CRC32C_BYTES>() else {
            return Err(ChunkDecodeError::TooShort { bytes: bytes.len() });
        };
        let stored = u32::from_le_bytes(*checksum);
        let computed = crc32c::crc32c(compressed);
        if stored != computed {
            return Err(ChunkDecodeError::Checksum { stored, computed });
        }
        Ok(compressed)
    }

    fn of_length(&self, actual: usize) -> Result<(), ChunkDecodeError> {
        let expected = self.chunk_bytes;
        if actual == expected {
            return Ok(());
        }
        Err(ChunkDecodeError::Length { expected, actual })
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
