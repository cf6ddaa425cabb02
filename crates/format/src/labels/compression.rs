//! Compression of the chunks of a label array: the codecs [`zstd`] and [`crc32c`].
//!
//! They are applied to what the Zarr library encodes and decodes, so that the size of
//! hostile data is known before it is decompressed.
//!
//! [`crc32c`]: https://zarr-specs.readthedocs.io/en/latest/v3/codecs/crc32c/index.html
//! [`zstd`]: https://github.com/zarr-developers/zarr-extensions/tree/main/codecs/zstd

use std::io;

use serde_json::{Value, json};
use zstd::bulk::{compress, decompress};
use zstd::zstd_safe::decompress_bound;

/// Level of Zstd, as the metadata states it.
const LEVEL: i32 = 5;

/// The two codecs, as the metadata of an array lists them after those that the Zarr
/// library applies.
pub(super) fn codecs() -> [Value; 2] {
    [
        json!({"name": "zstd", "configuration": {"level": LEVEL, "checksum": false}}),
        json!({"name": "crc32c"}),
    ]
}

/// Compresses the values of a chunk and appends the checksum.
///
/// # Errors
/// Zstd fails, for want of memory.
pub(super) fn compress_values(values: &[u8]) -> io::Result<Vec<u8>> {
    let mut chunk = compress(values, LEVEL)?;
    chunk.extend(crc32c::crc32c(&chunk).to_le_bytes());
    Ok(chunk)
}

/// A compressed chunk, whose checksum may be wrong.
pub(super) struct CompressedChunk<'a> {
    frame: &'a [u8],
    checksum: u32,
}

impl<'a> CompressedChunk<'a> {
    /// Splits the checksum from a chunk. `None` if the chunk is shorter than one.
    pub(super) fn new(chunk: &'a [u8]) -> Option<Self> {
        let (frame, checksum) = chunk.split_last_chunk()?;
        let checksum = u32::from_le_bytes(*checksum);
        Some(Self { frame, checksum })
    }

    /// The largest number of bytes that the chunk can hold. `None` if it is no frame of
    /// Zstd.
    pub(super) fn values_at_most(&self) -> Option<u64> {
        decompress_bound(self.frame).ok()
    }

    /// Decompresses at most `limit` bytes. `None` if there are more, if the checksum is
    /// wrong, or if the frame is damaged.
    pub(super) fn values(&self, limit: u64) -> Option<Vec<u8>> {
        let length = self.values_at_most().filter(|&length| length <= limit)?;
        if crc32c::crc32c(self.frame) != self.checksum {
            return None;
        }
        decompress(self.frame, usize::try_from(length).ok()?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_come_back_unless_the_chunk_is_damaged_or_too_large() {
        let values: Vec<u8> = (0..10_000u32).map(|value| (value / 7) as u8).collect();
        let chunk = compress_values(&values).unwrap();
        assert!(chunk.len() < values.len());
        let of = |chunk: &[u8], limit| CompressedChunk::new(chunk)?.values(limit);
        assert_eq!(of(&chunk, 10_000), Some(values));
        assert_eq!(of(&chunk, 9_999), None);
        assert_eq!(of(&chunk[..3], 10_000), None);
        assert_eq!(of(&[], 10_000), None);
        for position in 0..chunk.len() {
            let mut damaged = chunk.clone();
            damaged[position] ^= 1;
            assert_eq!(of(&damaged, 10_000), None, "{position}");
        }
    }
}
