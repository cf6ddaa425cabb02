//! Requests for the bytes of several chunks.

use std::ops::Range;

/// Bytes between two chunks that are read and dropped rather than paid for with
/// another request.
const GAP_AT_MOST: u64 = 64 << 10;
/// Bytes of a request, unless a single chunk has more.
const REQUEST_BYTES_AT_MOST: u64 = 32 << 20;

/// The bytes of one chunk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ChunkBytes {
    /// Number of the shard that holds the chunk.
    pub(crate) shard: usize,
    /// The bytes in the shard.
    pub(crate) range: Range<u64>,
}

/// One request for the bytes of some chunks of one shard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Request {
    /// Number of the shard.
    pub(crate) shard: usize,
    /// The bytes in the shard.
    pub(crate) range: Range<u64>,
    /// Positions, in the list of chunks, of those whose bytes these are.
    pub(crate) chunks: Vec<usize>,
}

/// Merges the byte ranges of chunks that are neighbours in a shard.
pub(crate) fn merge(chunks: &[ChunkBytes]) -> Vec<Request> {
    let mut order: Vec<(usize, &ChunkBytes)> = chunks.iter().enumerate().collect();
    order.sort_by_key(|(_, chunk)| (chunk.shard, chunk.range.start, chunk.range.end));
    let mut requests: Vec<Request> = Vec::new();
    for (position, ChunkBytes { shard, range }) in order {
        if let Some(last) = requests.last_mut().filter(|last| last.shard == *shard) {
            let end = last.range.end.max(range.end);
            let is_near = range.start <= last.range.end.saturating_add(GAP_AT_MOST);
            if is_near && end - last.range.start <= REQUEST_BYTES_AT_MOST {
                last.range.end = end;
                last.chunks.push(position);
                continue;
            }
        }
        requests.push(Request {
            shard: *shard,
            range: range.clone(),
            chunks: vec![position],
        });
    }
    requests
}

#[cfg(test)]
mod tests {
    use super::*;

    fn requests(chunks: &[(usize, Range<u64>)]) -> Vec<(usize, Range<u64>, Vec<usize>)> {
        let chunks = chunks.iter().cloned();
        let chunks: Vec<_> = chunks
            .map(|(shard, range)| ChunkBytes { shard, range })
            .collect();
        let merged = merge(&chunks).into_iter();
        merged
            .map(|request| (request.shard, request.range, request.chunks))
            .collect()
    }

    #[test]
    fn neighbours_of_one_shard_become_one_request() {
        assert_eq!(
            requests(&[(0, 20..30), (1, 0..9), (0, 0..10), (0, 10..20)]),
            [(0, 0..30, vec![2, 3, 0]), (1, 0..9, vec![1])]
        );
        assert_eq!(requests(&[]), []);
    }

    #[test]
    fn a_wide_gap_or_a_large_request_is_cut() {
        let near = 10 + GAP_AT_MOST;
        assert_eq!(
            requests(&[(0, 0..10), (0, near..near + 1), (0, 2 * near..3 * near)]),
            [
                (0, 0..near + 1, vec![0, 1]),
                (0, 2 * near..3 * near, vec![2])
            ]
        );
        let half = REQUEST_BYTES_AT_MOST / 2;
        assert_eq!(
            requests(&[(0, 0..half), (0, half..3 * half), (0, 3 * half..4 * half)]),
            [
                (0, 0..half, vec![0]),
                (0, half..3 * half, vec![1]),
                (0, 3 * half..4 * half, vec![2])
            ]
        );
    }
}
