//! How the pixels of a chunk become bytes.
//!
//! A [`Codec`] is a name that a user chooses; it stands for a chain of Zarr
//! codecs. The chains end with [`crc32c`], by which a reader that
//! checks it notices damage to any single chunk.
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

mod bitshuffle;
mod blosc;
pub(crate) mod chain;
mod decoder;
mod delta;
mod encoder;
mod simd;

pub use self::chain::{Codec, CodecError, UnknownCodec};
pub use self::decoder::{ChunkDecodeError, ChunkDecoder};
pub use self::encoder::{ChunkEncoder, ChunkEncoding, EncoderScratch};
