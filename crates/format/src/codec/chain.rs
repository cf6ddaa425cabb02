//! The codecs by name, and the chain of Zarr codecs of each.

use std::fmt;
use std::str::FromStr;

use rxrx_metadata::{ArrayGeometry, DataType};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Largest size of a chunk in bytes: Blosc counts them in an `int32`, with 16 bytes for
/// its header.
pub(super) const CHUNK_BYTES_AT_MOST: usize = i32::MAX as usize - 16;

/// Level of Zstd, as the metadata states it.
pub(super) const ZSTD_LEVEL: i32 = 1;

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
    /// Differences of neighbouring pixels, then Zstd level 1, which mostly entropy codes
    /// them: the smallest for samples of 8 bits.
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

    /// Size of the stored chunks divided by that of the PNG files, for projections.
    /// `scripts/codecs` measured it on real RxRx1 files.
    pub fn size_over_png(self) -> f64 {
        match self {
            Self::BloscZstd => 1.47,
            Self::Zstd => 1.51,
            Self::BloscLz4 => 1.77,
            Self::DeltaZstd => 1.09,
        }
    }

    /// The Zarr codecs of an inner chunk, as JSON.
    pub fn chain(self, geometry: &ArrayGeometry) -> Vec<Value> {
        let sample_bytes = geometry.data_type.bytes();
        let blosc = |cname: &str, clevel: u8| {
            json!({"name": "blosc", "configuration": {
                "cname": cname, "clevel": clevel, "shuffle": "bitshuffle",
                "typesize": sample_bytes, "blocksize": geometry.tile_bytes(),
            }})
        };
        let zstd =
            json!({"name": "zstd", "configuration": {"level": ZSTD_LEVEL, "checksum": false}});
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

/// An unknown name of a codec.
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

/// The codec `numcodecs.delta` with the names that NumPy gives to the type.
fn delta(data_type: DataType) -> Value {
    let dtype = match data_type {
        DataType::UInt8 => "|u1",
        DataType::UInt16 => "<u2",
    };
    json!({"name": "numcodecs.delta", "configuration": {"dtype": dtype, "astype": dtype}})
}

/// Cause that prevents encoding.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CodecError {
    /// The chunks are larger than codecs and their readers support.
    #[error(
        "a chunk of {bytes} bytes is too large: codecs take at most {CHUNK_BYTES_AT_MOST}; \
         make it smaller with --chunk-sites, --chunk-channels or --tile"
    )]
    ChunkTooLarge {
        /// Size of a decoded chunk.
        bytes: usize,
    },
    /// The overviews of a unit are larger than codecs and their readers support.
    #[error(
        "the overviews of a unit have chunks of {bytes} bytes, which is too large: codecs take \
         at most {CHUNK_BYTES_AT_MOST}; make units smaller with --shard-sites"
    )]
    OverviewTooLarge {
        /// Size of a decoded chunk.
        bytes: usize,
    },
    /// A defect of the program or of a codec library, not of the data.
    #[error("codec {codec} failed: {reason}")]
    Failed {
        /// The chosen codec.
        codec: Codec,
        /// Reason, from the codec library or the encoder.
        reason: String,
    },
}

impl CodecError {
    /// Says that the chunks are those of the overview.
    pub(crate) fn of_overview(self) -> Self {
        match self {
            Self::ChunkTooLarge { bytes } => Self::OverviewTooLarge { bytes },
            other => other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
