#![doc = include_str!("../README.md")]
//!
//! ## Modules
//!
//! ```text
//! blosc                  frames of Blosc: written, and decoded
//!  ├─ bitshuffle           bits of samples, sorted by weight and put back
//!  └─ zstd_context         a Zstd decompressor that is kept
//! delta                  differences of neighbouring samples, and their sums
//! decoder_scratch        what a thread keeps from chunk to chunk
//! plain                  a second decoder, slow and plain, for comparison
//! simd                   instruction sets, and moves of registers
//! ```

mod bitshuffle;
mod blosc;
mod decoder_scratch;
mod delta;
mod plain;
mod simd;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
mod zstd_context;

pub use self::bitshuffle::{bitshuffle, bitunshuffle};
pub use self::blosc::{
    BlockCompressor, BlockScratch, Blosc, BloscFrame, FrameError, decode_frame, decode_frame_part,
};
pub use self::decoder_scratch::DecoderScratch;
pub use self::delta::{decode_delta, encode_delta};
pub use self::plain::{plain_frame, plain_sums, plain_zstd};
pub use self::simd::SimdLevel;
pub use self::zstd_context::{ZSTD_LEVEL, ZstdContext};
