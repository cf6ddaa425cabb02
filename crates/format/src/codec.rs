//! The codecs of chunks: pixels to stored bytes, and back.
//!
//! A [`Codec`] is a name that a user chooses for a chain of Zarr codecs. Every chain ends
//! with the checksum [`crc32c`], so that a reader notices damage of any single chunk.
//!
//! | name | chain | opens without a plug-in in |
//! |---|---|---|
//! | `blosc-zstd` | `bytes`, [`blosc`] (Zstd 1, bitshuffle, one block a plane or tile) | zarr-python, zarrs, tensorstore, zarrita.js |
//! | `zstd` | `bytes`, [`zstd`] 1 | zarr-python, zarrs, tensorstore, zarrita.js |
//! | `blosc-lz4` | `bytes`, [`blosc`] (LZ4 5, bitshuffle, one block a plane or tile) | zarr-python, zarrs, tensorstore, zarrita.js |
//! | `delta-zstd` | [`numcodecs.delta`], `bytes`, [`zstd`] 1 | zarr-python, zarrita.js |
//!
//! The crate `rxrx-codec` does what a chain says to the bytes of a chunk.
//!
//! [`blosc`]: https://zarr-specs.readthedocs.io/en/latest/v3/codecs/blosc/index.html
//! [`crc32c`]: https://zarr-specs.readthedocs.io/en/latest/v3/codecs/crc32c/index.html
//! [`zstd`]: https://github.com/zarr-developers/zarr-extensions/tree/main/codecs/zstd
//! [`numcodecs.delta`]: https://github.com/zarr-developers/zarr-extensions/tree/main/codecs/numcodecs.delta

pub(crate) mod chain;
mod decoder;
mod encoder;
mod group_encoder;

pub use self::chain::{Codec, CodecError, UnknownCodec};
pub use self::decoder::{ChunkDecodeError, ChunkDecoder};
pub use self::encoder::{ChunkEncoder, ChunkEncoding, EncoderScratch, largest_chunk};
pub use self::group_encoder::{GroupEncoder, GroupEncoding, GroupScratch};
