//! From the pixels of a chunk to its stored bytes.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use rxrx_metadata::{ArrayGeometry, DataType};
use zarrs::array::CodecChain;
use zarrs::array::codec::api::{BytesToBytesCodecTraits, CodecOptions};
use zarrs::metadata::v3::MetadataV3;
use zstd::bulk::Compressor;
use zstd::zstd_safe::{CParameter, ParamSwitch};

use super::delta::encode_delta;
use super::{CHUNK_BYTES_AT_MOST, Codec, CodecError, ZSTD_LEVEL};

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
pub(crate) struct ChunkEncoder {
    codec: Codec,
    delta: Option<DataType>,
    compression: Compression,
}

/// The bytes-to-bytes codec before the checksum.
#[derive(Debug)]
enum Compression {
    /// As zarrs does it.
    Blosc(Arc<dyn BytesToBytesCodecTraits>),
    /// With parameters that Zarr's metadata has no place for.
    Zstd(&'static [CParameter]),
}

/// What one worker keeps from chunk to chunk.
#[derive(Default)]
pub(crate) struct EncoderScratch {
    /// Half a megabyte of tables and buffers, set up by its first chunk.
    zstd: Option<Compressor<'static>>,
}

impl fmt::Debug for EncoderScratch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EncoderScratch").finish_non_exhaustive()
    }
}

impl ChunkEncoder {
    /// The chain of `codec` for the chunks of `geometry`.
    pub(crate) fn new(codec: Codec, geometry: &ArrayGeometry) -> Result<Self, CodecError> {
        let bytes = geometry.chunk_bytes();
        if bytes > CHUNK_BYTES_AT_MOST {
            return Err(CodecError::ChunkTooLarge { bytes });
        }
        let delta = (codec == Codec::DeltaZstd).then_some(geometry.data_type);
        let compression = match codec {
            Codec::BloscZstd | Codec::BloscLz4 => Compression::Blosc(blosc(codec, geometry)?),
            Codec::Zstd => Compression::Zstd(&[]),
            Codec::DeltaZstd => Compression::Zstd(&ZSTD_FOR_DIFFERENCES),
        };
        Ok(Self {
            codec,
            delta,
            compression,
        })
    }

    /// Encodes one chunk: `pixels` in C order, 16-bit samples little-endian,
    /// which are the `bytes` codec's own output. The same pixels give the same
    /// bytes, whatever the scratch was used for before with this encoder.
    ///
    /// `pixels` are scratch space afterwards.
    pub(crate) fn encode(
        &self,
        pixels: &mut [u8],
        scratch: &mut EncoderScratch,
    ) -> Result<Vec<u8>, CodecError> {
        if let Some(data_type) = self.delta {
            encode_delta(pixels, data_type);
        }
        let mut bytes = match &self.compression {
            Compression::Blosc(blosc) => blosc
                .encode(Cow::Borrowed(pixels), &CodecOptions::default())
                .map_err(|error| failed(self.codec, error))?
                .into_owned(),
            Compression::Zstd(parameters) => compress(pixels, parameters, &mut scratch.zstd)
                .map_err(|error| failed(self.codec, error))?,
        };
        // Both leave room for incompressible data: the checksum needs no copy.
        let checksum = crc32c::crc32c(&bytes);
        bytes.extend_from_slice(&checksum.to_le_bytes());
        // A shard holds many chunks.
        bytes.shrink_to_fit();
        Ok(bytes)
    }
}

fn failed(codec: Codec, error: impl fmt::Display) -> CodecError {
    CodecError::Failed {
        codec,
        reason: error.to_string(),
    }
}

/// The Blosc codec of a chain that has one.
pub(super) fn blosc(
    codec: Codec,
    geometry: &ArrayGeometry,
) -> Result<Arc<dyn BytesToBytesCodecTraits>, CodecError> {
    let metadata = codec
        .chain(geometry)
        .into_iter()
        .map(serde_json::from_value::<MetadataV3>)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| failed(codec, error))?;
    let chain = CodecChain::from_metadata(&metadata).map_err(|error| failed(codec, error))?;
    let first = chain.bytes_to_bytes_codecs().first().cloned();
    first.ok_or_else(|| failed(codec, "the chain does not compress"))
}

/// One frame that states its decoded size, as readers expect.
fn compress(
    bytes: &[u8],
    parameters: &[CParameter],
    kept: &mut Option<Compressor<'static>>,
) -> std::io::Result<Vec<u8>> {
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
    let mut frame = Vec::with_capacity(zstd::zstd_safe::compress_bound(bytes.len()) + CRC32C_BYTES);
    compressor.compress_to_buffer(bytes, &mut frame)?;
    Ok(frame)
}

#[cfg(test)]
mod tests;
