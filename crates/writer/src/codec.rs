//! How the pixels of a chunk become bytes.
//!
//! A [`Codec`] is a name that a user chooses; it stands for a chain of Zarr
//! codecs. The chains end with [`crc32c`], so that a reader notices damage to
//! any single chunk.
//!
//! | name | chain | opens without a plug-in in |
//! |---|---|---|
//! | `blosc-zstd` | `bytes`, [`blosc`] (Zstd 1, bitshuffle, one block a plane) | zarr-python, zarrs, tensorstore, zarrita.js |
//! | `zstd` | `bytes`, [`zstd`] 1 | zarr-python, zarrs, tensorstore, zarrita.js |
//! | `blosc-lz4` | `bytes`, [`blosc`] (LZ4 5, bitshuffle, one block a plane) | zarr-python, zarrs, tensorstore, zarrita.js |
//! | `delta-zstd` | [`numcodecs.delta`], `bytes`, [`zstd`] 1 | zarr-python, zarrita.js |
//!
//! [`blosc`]: https://zarr-specs.readthedocs.io/en/latest/v3/codecs/blosc/index.html
//! [`crc32c`]: https://zarr-specs.readthedocs.io/en/latest/v3/codecs/crc32c/index.html
//! [`zstd`]: https://github.com/zarr-developers/zarr-extensions/tree/main/codecs/zstd
//! [`numcodecs.delta`]: https://github.com/zarr-developers/zarr-extensions/tree/main/codecs/numcodecs.delta

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use rxrx_metadata::{ArrayGeometry, DataType};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use zarrs::array::CodecChain;
use zarrs::array::codec::api::{BytesToBytesCodecTraits, CodecOptions};
use zarrs::metadata::v3::MetadataV3;

/// A codec chain that a user can choose by name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Codec {
    /// Blosc with Zstd level 1 and bitshuffle: small and fast.
    #[default]
    BloscZstd,
    /// Zstd level 1.
    Zstd,
    /// Blosc with LZ4 level 5 and bitshuffle: the fastest to read and write.
    BloscLz4,
    /// Differences of neighbouring pixels, then Zstd level 1: the smallest.
    DeltaZstd,
}

impl Codec {
    /// All codecs, the default first.
    pub const ALL: [Self; 4] = [Self::BloscZstd, Self::Zstd, Self::BloscLz4, Self::DeltaZstd];

    /// The name on the command line and in the dataset's attributes.
    pub fn name(self) -> &'static str {
        match self {
            Self::BloscZstd => "blosc-zstd",
            Self::Zstd => "zstd",
            Self::BloscLz4 => "blosc-lz4",
            Self::DeltaZstd => "delta-zstd",
        }
    }

    /// Size of the stored chunks over that of the PNG files, for projections:
    /// measured on real RxRx1 files.
    pub fn size_over_png(self) -> f64 {
        match self {
            Self::BloscZstd => 1.50,
            Self::Zstd => 1.46,
            Self::BloscLz4 => 1.83,
            Self::DeltaZstd => 1.16,
        }
    }

    /// The Zarr codecs of an inner chunk, as JSON.
    pub fn chain(self, geometry: &ArrayGeometry) -> Vec<Value> {
        let sample_bytes = geometry.data_type.bytes();
        let blosc = |cname: &str, clevel: u8| {
            json!({"name": "blosc", "configuration": {
                "cname": cname, "clevel": clevel, "shuffle": "bitshuffle",
                "typesize": sample_bytes, "blocksize": geometry.plane_bytes(),
            }})
        };
        let zstd = json!({"name": "zstd", "configuration": {"level": 1, "checksum": false}});
        let bytes = match geometry.data_type {
            DataType::UInt8 => json!({"name": "bytes"}),
            DataType::UInt16 => json!({"name": "bytes", "configuration": {"endian": "little"}}),
        };
        let crc32c = json!({"name": "crc32c"});
        match self {
            Self::BloscZstd => vec![bytes, blosc("zstd", 1), crc32c],
            Self::Zstd => vec![bytes, zstd, crc32c],
            Self::BloscLz4 => vec![bytes, blosc("lz4", 5), crc32c],
            Self::DeltaZstd => vec![delta(geometry.data_type), bytes, zstd, crc32c],
        }
    }
}

impl fmt::Display for Codec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A codec name that is not known.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown codec {name:?} (expected blosc-zstd, zstd, blosc-lz4 or delta-zstd)")]
pub struct UnknownCodec {
    /// The name that was given.
    pub name: String,
}

impl FromStr for Codec {
    type Err = UnknownCodec;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|codec| codec.name() == name)
            .ok_or_else(|| UnknownCodec {
                name: name.to_owned(),
            })
    }
}

/// NumPy's names of the type, as `numcodecs.Delta` wants them.
fn delta(data_type: DataType) -> Value {
    let dtype = match data_type {
        DataType::UInt8 => "|u1",
        DataType::UInt16 => "<u2",
    };
    json!({"name": "numcodecs.delta", "configuration": {"dtype": dtype, "astype": dtype}})
}

/// Encodes the chunks of one array. Shared by all workers.
#[derive(Debug)]
pub(crate) struct ChunkEncoder {
    codec: Codec,
    delta: Option<DataType>,
    bytes_to_bytes: Vec<Arc<dyn BytesToBytesCodecTraits>>,
}

/// Chunks cannot be encoded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CodecError {
    /// The chunks are larger than codecs and their readers can take.
    #[error(
        "a chunk of {bytes} bytes is too large: codecs take at most {CHUNK_BYTES_AT_MOST}; \
         make it smaller with --chunk-sites or --chunk-channels"
    )]
    ChunkTooLarge {
        /// Size of a decoded chunk.
        bytes: usize,
    },
    /// A defect of the program or of a codec library, not of the data.
    #[error("codec {codec} failed: {reason}")]
    Failed {
        /// The chosen codec.
        codec: Codec,
        /// What the codec library said.
        reason: String,
    },
}

/// Blosc counts bytes in an `int32`, with 16 bytes for its header.
const CHUNK_BYTES_AT_MOST: usize = i32::MAX as usize - 16;

impl ChunkEncoder {
    /// The chain of `codec` for the chunks of `geometry`.
    pub(crate) fn new(codec: Codec, geometry: &ArrayGeometry) -> Result<Self, CodecError> {
        let failed = |reason: String| CodecError::Failed { codec, reason };
        let bytes = geometry.chunk_bytes();
        if bytes > CHUNK_BYTES_AT_MOST {
            return Err(CodecError::ChunkTooLarge { bytes });
        }
        let delta = (codec == Codec::DeltaZstd).then_some(geometry.data_type);
        // zarrs has no `numcodecs.delta`, so that step is ours.
        let metadata = codec
            .chain(geometry)
            .into_iter()
            .skip(usize::from(delta.is_some()))
            .map(serde_json::from_value::<MetadataV3>)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| failed(error.to_string()))?;
        let chain = CodecChain::from_metadata(&metadata).map_err(|e| failed(e.to_string()))?;
        // The `bytes` codec of little-endian samples is the identity.
        let bytes_to_bytes = chain.bytes_to_bytes_codecs().to_vec();
        Ok(Self {
            codec,
            delta,
            bytes_to_bytes,
        })
    }

    /// Encodes one chunk: `pixels` in C order, 16-bit samples little-endian.
    /// The buffer is scratch space afterwards.
    pub(crate) fn encode(&self, pixels: &mut [u8]) -> Result<Vec<u8>, CodecError> {
        if let Some(data_type) = self.delta {
            encode_delta(pixels, data_type);
        }
        let options = CodecOptions::default();
        let mut bytes = Cow::Borrowed(&*pixels);
        for step in &self.bytes_to_bytes {
            bytes = step
                .encode(bytes, &options)
                .map_err(|error| CodecError::Failed {
                    codec: self.codec,
                    reason: error.to_string(),
                })?;
        }
        let mut bytes = bytes.into_owned();
        // Blosc reserves room for incompressible data; a shard holds many chunks.
        bytes.shrink_to_fit();
        Ok(bytes)
    }
}

/// Replaces each sample but the first by its difference from the one before,
/// modulo the type's range, as `numcodecs.Delta` does.
fn encode_delta(pixels: &mut [u8], data_type: DataType) {
    match data_type {
        DataType::UInt8 => {
            let mut before = 0u8;
            for sample in pixels {
                let this = *sample;
                *sample = this.wrapping_sub(before);
                before = this;
            }
        }
        DataType::UInt16 => {
            let mut before = 0u16;
            for sample in pixels.as_chunks_mut::<2>().0 {
                let this = u16::from_le_bytes(*sample);
                *sample = this.wrapping_sub(before).to_le_bytes();
                before = this;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delta_wraps_around() {
        let mut pixels = [5, 3, 255, 0];
        encode_delta(&mut pixels, DataType::UInt8);
        assert_eq!(pixels, [5, 254, 252, 1]);

        let mut pixels: Vec<u8> = [256u16, 255, 65535]
            .iter()
            .flat_map(|v| v.to_le_bytes())
            .collect();
        encode_delta(&mut pixels, DataType::UInt16);
        let expected: Vec<u8> = [256u16, 65535, 65280]
            .iter()
            .flat_map(|v| v.to_le_bytes())
            .collect();
        assert_eq!(pixels, expected);
    }

    #[test]
    fn names_round_trip() {
        for codec in Codec::ALL {
            assert_eq!(codec.name().parse(), Ok(codec));
        }
        assert!(
            "gzip"
                .parse::<Codec>()
                .unwrap_err()
                .to_string()
                .contains("delta-zstd")
        );
    }
}
