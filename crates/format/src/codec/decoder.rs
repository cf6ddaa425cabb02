//! From the stored bytes of a chunk to its pixels.

use std::borrow::Cow;
use std::sync::Arc;

use rxrx_metadata::{ArrayGeometry, DataType};
use zarrs::array::codec::api::{BytesToBytesCodecTraits, CodecOptions};
use zarrs::array::{BytesRepresentation, CodecChain};
use zarrs::metadata::v3::MetadataV3;

use super::chain::{CHUNK_BYTES_AT_MOST, Codec, CodecError};
use super::delta::decode_delta;
use super::encoder::CRC32C_BYTES;

/// A Blosc chunk states its decoded size in these bytes, little-endian
/// ([format](https://github.com/Blosc/c-blosc/blob/main/README_CHUNK_FORMAT.rst)).
const BLOSC_NBYTES: std::ops::Range<usize> = 4..8;

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
#[derive(Debug)]
enum Compression {
    Blosc(Arc<dyn BytesToBytesCodecTraits>),
    Zstd,
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
                Codec::BloscZstd | Codec::BloscLz4 => Compression::Blosc(blosc(codec, geometry)?),
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
            Compression::Blosc(blosc) => {
                let nbytes = compressed.get(BLOSC_NBYTES).and_then(<[u8]>::first_chunk);
                let nbytes = nbytes.ok_or(ChunkDecodeError::TooShort { bytes: bytes.len() })?;
                of_length(u32::from_le_bytes(*nbytes) as usize)?;
                let size = BytesRepresentation::FixedSize(expected as u64);
                let decoded = blosc
                    .decode(Cow::Borrowed(compressed), &size, &CodecOptions::default())
                    .map_err(|error| self.refused(&error))?;
                of_length(decoded.len())?;
                pixels.copy_from_slice(&decoded);
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

/// The Blosc codec of a chain that has one.
fn blosc(
    codec: Codec,
    geometry: &ArrayGeometry,
) -> Result<Arc<dyn BytesToBytesCodecTraits>, CodecError> {
    let failed = |reason: String| CodecError::Failed { codec, reason };
    let metadata = codec
        .chain(geometry)
        .into_iter()
        .map(serde_json::from_value::<MetadataV3>)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| failed(error.to_string()))?;
    let chain = CodecChain::from_metadata(&metadata).map_err(|error| failed(error.to_string()))?;
    let first = chain.bytes_to_bytes_codecs().first().cloned();
    first.ok_or_else(|| failed("the chain does not compress".to_owned()))
}

#[cfg(test)]
mod tests;
