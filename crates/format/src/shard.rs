//! One shard: encoded chunks one after the other, then the index with the byte range of
//! each.
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

use serde_json::{Value, json};

/// The codec of an array whose shards have this binary format.
pub(crate) fn sharding_indexed(chunk_shape: &Value, codecs: &Value) -> Value {
    json!({"name": "sharding_indexed", "configuration": {
        "chunk_shape": chunk_shape,
        "codecs": codecs,
        "index_codecs": [
            {"name": "bytes", "configuration": {"endian": "little"}},
            {"name": "crc32c"},
        ],
        "index_location": "end",
    }})
}

/// Offset and length of an absent chunk in the index.
const ABSENT: u64 = u64::MAX;

/// The index of a shard whose chunks are written one after the other.
#[derive(Debug, Default)]
pub struct ShardIndex {
    ranges: Vec<Range<u64>>,
    end: u64,
}

impl ShardIndex {
    /// Adds a chunk of `bytes` bytes, the next in row-major order over the chunk grid of
    /// the shard.
    pub fn add(&mut self, bytes: usize) {
        let start = self.end;
        self.end += bytes as u64;
        self.ranges.push(start..self.end);
    }

    /// Encodes the index of a shard with room for `chunks` chunks. Those that were not added
    /// are outside the array and absent.
    pub fn encode(&self, chunks: usize) -> Vec<u8> {
        let mut index = Vec::with_capacity(chunks * ENTRY_BYTES + 4);
        for place in 0..chunks {
            let (offset, nbytes) = match self.ranges.get(place) {
                Some(range) => (range.start, range.end - range.start),
                None => (ABSENT, ABSENT),
            };
            index.extend_from_slice(&offset.to_le_bytes());
            index.extend_from_slice(&nbytes.to_le_bytes());
        }
        index.extend_from_slice(&crc32c::crc32c(&index).to_le_bytes());
        index
    }

    /// The byte range of each chunk within the object, row-major.
    pub fn ranges(&self) -> &[Range<u64>] {
        &self.ranges
    }
}

/// Cause that makes the index of a stored shard unusable.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ShardIndexError {
    /// The object ends before its index does.
    #[error("{bytes} bytes are too few for the index of {chunks} chunks")]
    TooShort {
        /// Size of the object.
        bytes: usize,
        /// Chunks that the index must have.
        chunks: usize,
    },
    /// The checksum is not that of the index.
    #[error("CRC-32C of the index is {computed:08x}, the shard says {stored:08x}")]
    Checksum {
        /// Checksum in the object.
        stored: u32,
        /// Checksum of the index.
        computed: u32,
    },
    /// The range of a chunk is not within the bytes before the index.
    #[error(
        "chunk {chunk} of the shard: offset {offset}, {nbytes} bytes, beyond the {end} bytes of chunks"
    )]
    Bounds {
        /// Position of the chunk in the shard, row-major.
        chunk: usize,
        /// Its first byte, as the index states it.
        offset: u64,
        /// Its length in bytes, as the index states it.
        nbytes: u64,
        /// Bytes of the object before the index.
        end: u64,
    },
    /// The ranges of two chunks overlap.
    #[error("chunks {first} and {second} of the shard overlap at byte {offset}")]
    Overlap {
        /// Position of the chunk that begins first.
        first: usize,
        /// Position of the other chunk.
        second: usize,
        /// First byte of the other chunk.
        offset: u64,
    },
}

/// Bytes of one entry of the index: offset and nbytes.
const ENTRY_BYTES: usize = 16;

/// Reads the index of the whole stored object `shard`, which has room for `chunks` chunks.
/// Returns the byte range of each chunk, row-major, `None` where it is absent.
///
/// # Errors
/// [`ShardIndexError`]: the object is too short, the checksum of the index is
/// wrong, a chunk lies outside the bytes before the index, chunks overlap.
pub fn read_index(shard: &[u8], chunks: usize) -> Result<Vec<Option<Range<u64>>>, ShardIndexError> {
    let end = shard.len().checked_sub(index_bytes(chunks));
    let split = end.and_then(|end| shard.split_at_checked(end));
    let (before, index) = split.ok_or(ShardIndexError::TooShort {
        bytes: shard.len(),
        chunks,
    })?;
    read_stored_index(index, chunks, before.len() as u64)
}

/// Bytes of the index of `chunks` with its checksum, at the end of a shard.
pub fn index_bytes(chunks: usize) -> usize {
    chunks.saturating_mul(ENTRY_BYTES).saturating_add(4)
}

/// Reads the index of a shard as [`read_index`] does, from the bytes of the index
/// alone. The chunks lie in the first `end` bytes of the object.
///
/// # Errors
/// [`ShardIndexError`]: `index` has another length than that of `chunks`, its
/// checksum is wrong, a chunk lies beyond `end`, chunks overlap.
pub fn read_stored_index(
    index: &[u8],
    chunks: usize,
    end: u64,
) -> Result<Vec<Option<Range<u64>>>, ShardIndexError> {
    let split = index.split_last_chunk::<4>();
    let split = split.filter(|_| index.len() == index_bytes(chunks));
    let (index, checksum) = split.ok_or(ShardIndexError::TooShort {
        bytes: index.len(),
        chunks,
    })?;
    let (stored, computed) = (u32::from_le_bytes(*checksum), crc32c::crc32c(index));
    if stored != computed {
        return Err(ShardIndexError::Checksum { stored, computed });
    }
    let mut ranges = Vec::with_capacity(chunks);
    for (chunk, entry) in index.as_chunks::<ENTRY_BYTES>().0.iter().enumerate() {
        let number = u128::from_le_bytes(*entry);
        let (offset, nbytes) = (number as u64, (number >> 64) as u64);
        if (offset, nbytes) == (ABSENT, ABSENT) {
            ranges.push(None);
            continue;
        }
        match offset.checked_add(nbytes).filter(|last| *last <= end) {
            Some(last) => ranges.push(Some(offset..last)),
            None => {
                return Err(ShardIndexError::Bounds {
                    chunk,
                    offset,
                    nbytes,
                    end,
                });
            }
        }
    }
    match overlap(&ranges) {
        Some(error) => Err(error),
        None => Ok(ranges),
    }
}

/// Finds two ranges that overlap.
fn overlap(ranges: &[Option<Range<u64>>]) -> Option<ShardIndexError> {
    let mut present: Vec<(u64, u64, usize)> = ranges
        .iter()
        .enumerate()
        .filter_map(|(chunk, range)| range.as_ref().map(|range| (range.start, range.end, chunk)))
        .collect();
    present.sort_unstable();
    present
        .iter()
        .zip(present.iter().skip(1))
        .find_map(|(first, second)| {
            (second.0 < first.1).then_some(ShardIndexError::Overlap {
                first: first.2,
                second: second.2,
                offset: second.0,
            })
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shard() -> Vec<u8> {
        let mut index = ShardIndex::default();
        index.add(3);
        index.add(2);
        [&[7, 7, 7, 9, 9], &index.encode(3)[..]].concat()
    }

    /// A shard of 8 bytes of chunks with such an index, its checksum right.
    fn with_index(entries: &[(u64, u64)]) -> Vec<u8> {
        let numbers = entries.iter().flat_map(|(offset, nbytes)| [offset, nbytes]);
        let index: Vec<u8> = numbers.flat_map(|number| number.to_le_bytes()).collect();
        let checksum = crc32c::crc32c(&index).to_le_bytes();
        [&[0; 8], index.as_slice(), &checksum].concat()
    }

    #[test]
    fn an_index_is_read_as_it_was_written() {
        assert_eq!(
            read_index(&shard(), 3).unwrap(),
            [Some(0..3), Some(3..5), None]
        );
    }

    #[test]
    fn an_index_is_read_without_its_chunks() {
        let shard = shard();
        let index = &shard[5..];
        assert_eq!(index.len(), index_bytes(3));
        assert_eq!(read_stored_index(index, 3, 5), read_index(&shard, 3));
        let error = read_stored_index(index, 3, 4).unwrap_err();
        assert!(
            matches!(error, ShardIndexError::Bounds { chunk: 1, .. }),
            "{error}"
        );
        for index in [&shard[4..], &shard[6..], &[]] {
            let error = read_stored_index(index, 3, 5).unwrap_err();
            let (bytes, chunks) = (index.len(), 3);
            assert_eq!(error, ShardIndexError::TooShort { bytes, chunks });
        }
    }

    #[test]
    fn every_flipped_bit_of_an_index_is_noticed() {
        let whole = shard();
        for bit in 5 * 8..whole.len() * 8 {
            let mut shard = whole.clone();
            shard[bit / 8] ^= 1 << (bit % 8);
            let error = read_index(&shard, 3).unwrap_err();
            assert!(matches!(error, ShardIndexError::Checksum { .. }), "{error}");
        }
    }

    #[test]
    fn a_shard_without_room_for_its_index_is_too_short() {
        for (bytes, chunks) in [(0, 1), (3, 0), (19, 1), (57, usize::MAX), (57, 1 << 60)] {
            let error = read_index(&vec![0; bytes], chunks).unwrap_err();
            assert_eq!(error, ShardIndexError::TooShort { bytes, chunks });
        }
    }

    #[test]
    fn an_index_with_impossible_ranges_is_refused() {
        for impossible in [
            (0, 9),
            (9, 0),
            (u64::MAX, 3),
            (3, u64::MAX),
            (u64::MAX - 1, 2),
        ] {
            let error = read_index(&with_index(&[(0, 1), impossible]), 2).unwrap_err();
            assert!(
                matches!(error, ShardIndexError::Bounds { chunk: 1, .. }),
                "{error}"
            );
        }
        let overlapping = with_index(&[(4, 4), (0, 5)]);
        assert_eq!(
            read_index(&overlapping, 2).unwrap_err(),
            ShardIndexError::Overlap {
                first: 1,
                second: 0,
                offset: 4
            }
        );
        // Chunks may be in any order.
        assert!(read_index(&with_index(&[(4, 4), (0, 4)]), 2).is_ok());
    }

    #[test]
    fn the_index_has_the_range_of_each_chunk() {
        let mut shard = ShardIndex::default();
        shard.add(3);
        shard.add(2);
        assert_eq!(shard.ranges(), [0..3, 3..5]);
        let index = shard.encode(3);
        let (index, crc) = index.split_at(3 * 16);
        let numbers: Vec<u64> = index
            .chunks(8)
            .map(|b| u64::from_le_bytes(b.try_into().unwrap()))
            .collect();
        assert_eq!(numbers, [0, 3, 3, 2, u64::MAX, u64::MAX]);
        assert_eq!(crc, crc32c::crc32c(index).to_le_bytes());
    }
}
