//! Requests for the bytes of several chunks.

use std::ops::Range;

/// How byte ranges become requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RequestLimits {
    /// Bytes between two chunks that are read and dropped rather than paid for with another
    /// request.
    pub(crate) gap: u64,
    /// Bytes of a request, unless a single chunk has more.
    pub(crate) bytes: u64,
}

impl RequestLimits {
    /// Limits for files: opening one costs as much as reading some kilobytes, and what is
    /// read at once is to stay in the cache of the processor until it is decoded.
    pub(crate) const FILES: Self = Self {
        gap: 16 << 10,
        bytes: 1 << 20,
    };

    /// Limits for object stores: a request takes as long as tens of kilobytes, and several
    /// are faster than one where there are many bytes.
    pub(crate) const OBJECTS: Self = Self {
        gap: 64 << 10,
        bytes: 8 << 20,
    };

    /// Whether bytes at `next` are read by one request together with those of `before`,
    /// which begin first.
    pub(crate) fn join(self, before: &Range<u64>, next: &Range<u64>) -> bool {
        let is_near = next.start <= before.end.saturating_add(self.gap);
        let end = before.end.max(next.end);
        is_near && end.saturating_sub(before.start) <= self.bytes
    }
}

/// Merges the byte ranges of chunks that are neighbours in a shard. The results are in the
/// order of their starts.
pub(crate) fn merge(ranges: &[Range<u64>], limits: RequestLimits) -> Vec<Range<u64>> {
    let mut sorted: Vec<&Range<u64>> = ranges.iter().collect();
    sorted.sort_by_key(|range| (range.start, range.end));
    let mut requests: Vec<Range<u64>> = Vec::new();
    for range in sorted {
        match requests.last_mut() {
            Some(last) if limits.join(last, range) => last.end = last.end.max(range.end),
            _ => requests.push(range.clone()),
        }
    }
    requests
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: RequestLimits = RequestLimits { gap: 5, bytes: 100 };

    #[test]
    fn neighbours_become_one_request() {
        let ranges = [20..30, 0..10, 10..20, 12..15];
        assert_eq!(merge(&ranges, LIMITS), [Range { start: 0, end: 30 }]);
        assert_eq!(merge(&[], LIMITS), []);
    }

    #[test]
    fn a_wide_gap_or_a_large_request_is_cut() {
        let ranges = [0..10, 15..16, 22..30];
        assert_eq!(merge(&ranges, LIMITS), [0..16, 22..30]);
        let ranges = [0..50, 50..150, 150..170, 170..400];
        assert_eq!(merge(&ranges, LIMITS), [0..50, 50..150, 150..170, 170..400]);
        let ranges = [0..50, 50..100, 100..101];
        assert_eq!(merge(&ranges, LIMITS), [0..100, 100..101]);
    }

    #[test]
    fn no_number_is_too_large() {
        let last = u64::MAX - 1..u64::MAX;
        let ranges = [last.clone(), 0..1, last.clone()];
        assert_eq!(merge(&ranges, LIMITS), [0..1, last]);
    }
}
