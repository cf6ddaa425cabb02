//! One shard: encoded chunks one behind the other, and the index of where each
//! one lies.
//!
//! ```text
//! chunk 0 | chunk 1 | ... | chunk n-1 | index: n x (offset u64, nbytes u64) | crc32c u32
//! ```
//!
//! All numbers are little-endian; a chunk that was never written has offset and
//! nbytes `2^64 - 1`. This is the binary format of [`sharding_indexed`] with
//! `index_location` `end` and the index codecs `bytes` (little) and `crc32c`.
//!
//! [`sharding_indexed`]: https://zarr-specs.readthedocs.io/en/latest/v3/codecs/sharding-indexed/index.html

use std::ops::Range;

/// The mark of an absent chunk in the index.
const ABSENT: u64 = u64::MAX;

/// The encoded chunks of one shard with the index that ends it.
#[derive(Debug)]
pub(crate) struct Shard {
    chunks: Vec<Option<Vec<u8>>>,
    ranges: Vec<Option<Range<u64>>>,
    index: Vec<u8>,
}

impl Shard {
    /// Lays out `chunks`, given in row-major order over the shard's chunk
    /// grid; `None` is a position outside the array.
    pub(crate) fn assemble(chunks: Vec<Option<Vec<u8>>>) -> Self {
        let mut end = 0;
        let mut ranges = Vec::with_capacity(chunks.len());
        let mut index = Vec::with_capacity(chunks.len() * 16 + 4);
        for chunk in &chunks {
            let range = chunk.as_ref().map(|bytes| {
                let start = end;
                end += bytes.len() as u64;
                start..end
            });
            let (offset, nbytes) = match &range {
                Some(range) => (range.start, range.end - range.start),
                None => (ABSENT, ABSENT),
            };
            index.extend_from_slice(&offset.to_le_bytes());
            index.extend_from_slice(&nbytes.to_le_bytes());
            ranges.push(range);
        }
        index.extend_from_slice(&crc32c::crc32c(&index).to_le_bytes());
        Self {
            chunks,
            ranges,
            index,
        }
    }

    /// The bytes to store, in order, without joining them.
    pub(crate) fn parts(&self) -> Vec<&[u8]> {
        let chunks = self.chunks.iter().flatten().map(Vec::as_slice);
        chunks.chain([self.index.as_slice()]).collect()
    }

    /// The byte range of each chunk within the object, row-major.
    pub(crate) fn ranges(&self) -> &[Option<Range<u64>>] {
        &self.ranges
    }

    /// The encoded chunks again.
    pub(crate) fn into_chunks(self) -> impl Iterator<Item = Vec<u8>> {
        self.chunks.into_iter().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_index_says_where_each_chunk_lies() {
        let shard = Shard::assemble(vec![Some(vec![7; 3]), None, Some(vec![9; 2])]);
        let bytes = shard.parts().concat();
        assert_eq!(&bytes[..5], [7, 7, 7, 9, 9]);
        assert_eq!(shard.ranges(), [Some(0..3), None, Some(3..5)]);

        let (index, crc) = bytes[5..].split_at(3 * 16);
        let numbers: Vec<u64> = index
            .chunks(8)
            .map(|b| u64::from_le_bytes(b.try_into().unwrap()))
            .collect();
        assert_eq!(numbers, [0, 3, u64::MAX, u64::MAX, 3, 2]);
        assert_eq!(crc, crc32c::crc32c(index).to_le_bytes());
    }
}
