//! Pieces of a shard: some chunks that lie one behind the other and are read at once.

use std::ops::Range;
use std::sync::{Arc, OnceLock};

use rxrx_reader::consistency::{FindingKind, error_chain};
use rxrx_storage::{Store, StoreError, StoreErrorKind};
use sha2::{Digest, Sha256};

use super::budget::{Budget, Taken};
use super::memory::VerifyMemory;

/// The chunks of the same planes: one, or one for each tile. They lie one behind the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ChunkGroup {
    /// Its number in the shard, row-major over sites and channels.
    pub(super) number: usize,
    /// Its bytes in the shard.
    pub(super) range: Range<u64>,
    /// The bytes of each chunk.
    pub(super) chunks: Vec<Range<u64>>,
}

/// Some bytes of a shard in memory.
pub(super) struct Piece {
    /// Offset of the bytes in the shard.
    start: u64,
    bytes: Vec<u8>,
    /// The memory of the bytes.
    _taken: Taken,
}

impl Piece {
    /// Returns the bytes in a range of the shard, if they are all in this piece.
    pub(super) fn get(&self, range: &Range<u64>) -> Option<&[u8]> {
        let start = usize::try_from(range.start.checked_sub(self.start)?).ok()?;
        let end = usize::try_from(range.end.checked_sub(self.start)?).ok()?;
        self.bytes.get(start..end)
    }
}

/// Divides groups into pieces of at most `at_most` bytes, in the order of their bytes. A
/// group that has more is a piece of its own.
pub(super) fn pieces(mut groups: Vec<ChunkGroup>, at_most: u64) -> Vec<Vec<ChunkGroup>> {
    groups.sort_by_key(|group| group.range.start);
    let mut pieces: Vec<Vec<ChunkGroup>> = Vec::new();
    for group in groups {
        if let Some(piece) = pieces.last_mut()
            && let (Some(first), Some(last)) = (piece.first(), piece.last())
            && last.range.end == group.range.start
            && group.range.end - first.range.start <= at_most
        {
            piece.push(group);
        } else {
            pieces.push(vec![group]);
        }
    }
    pieces
}

/// A shard cannot be read.
pub(super) struct Problem {
    pub(super) kind: FindingKind,
    pub(super) text: String,
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        Self {
            kind: FindingKind::Damaged,
            text: error_chain(&error),
        }
    }
}

/// The problem of a shard that was there when the verification began.
fn removed() -> Problem {
    Problem {
        kind: FindingKind::Missing,
        text: "it was removed during the verification".to_owned(),
    }
}

/// Returns the bytes in a range, or as many of them as there are.
fn part_of(whole: &[u8], range: &Range<u64>) -> Vec<u8> {
    let position = |at: u64| usize::try_from(at).map_or(whole.len(), |at| at.min(whole.len()));
    let range = position(range.start)..position(range.end);
    whole.get(range).unwrap_or_default().to_vec()
}

/// A shard that is read from start to end and hashed.
pub(super) struct HashedShard<'a> {
    store: &'a dyn Store,
    key: &'a str,
    memory: &'a Arc<Budget>,
    /// Its size in bytes.
    size: u64,
    /// All of its bytes, where the server sends whole objects only, and their memory.
    whole: OnceLock<(Vec<u8>, Taken)>,
    piece: u64,
    hasher: Sha256,
    /// Bytes that were hashed.
    at: u64,
}

impl<'a> HashedShard<'a> {
    pub(super) fn new(
        store: &'a dyn Store,
        key: &'a str,
        size: u64,
        memory: &'a VerifyMemory,
    ) -> Self {
        Self {
            store,
            key,
            size,
            whole: OnceLock::new(),
            memory: &memory.shards,
            piece: memory.piece,
            hasher: Sha256::new(),
            at: 0,
        }
    }

    /// Reads some bytes, which are not hashed.
    pub(super) fn part(&self, range: Range<u64>) -> Result<(Vec<u8>, Taken), Problem> {
        if let Some((whole, _)) = self.whole.get() {
            return Ok((part_of(whole, &range), self.memory.take(0)));
        }
        let taken = self.memory.take(range.end.saturating_sub(range.start));
        match self.store.get_range(self.key, range.clone()) {
            Err(error) if error.kind == StoreErrorKind::Unsupported => {
                // Who waits for memory holds none.
                drop(taken);
                self.part_of_all(&range)
            }
            read => Ok((read?.ok_or_else(removed)?, taken)),
        }
    }

    /// Reads all bytes, of a server that takes no notice of ranges (`python -m http.server`),
    /// and returns those in `range`. The memory of all of them is that of the parts, too.
    fn part_of_all(&self, range: &Range<u64>) -> Result<(Vec<u8>, Taken), Problem> {
        let taken = self.memory.take(self.size.saturating_mul(2));
        let whole = self.store.get_at_most(self.key, self.size)?;
        let whole = whole.ok_or_else(removed)?;
        let (whole, _) = self.whole.get_or_init(|| (whole, taken));
        Ok((part_of(whole, range), self.memory.take(0)))
    }

    /// Reads the bytes in `range`, which begins at or behind what was read before, and
    /// hashes all up to its end.
    pub(super) fn piece(&mut self, range: Range<u64>) -> Result<Piece, Problem> {
        self.hash_until(range.start)?;
        let start = range.start;
        let (bytes, taken) = self.part(range.clone())?;
        self.hasher.update(&bytes);
        self.at = range.end;
        Ok(Piece {
            start,
            bytes,
            _taken: taken,
        })
    }

    /// Hashes the bytes up to `end`, which hold no chunk.
    pub(super) fn hash_until(&mut self, end: u64) -> Result<(), Problem> {
        while self.at < end {
            let next = end.min(self.at.saturating_add(self.piece));
            let (bytes, _taken) = self.part(self.at..next)?;
            self.hasher.update(&bytes);
            self.at = next;
        }
        Ok(())
    }

    /// Returns the checksum of all that was read.
    pub(super) fn checksum(self) -> [u8; 32] {
        self.hasher.finalize().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn groups(ranges: &[Range<u64>]) -> Vec<ChunkGroup> {
        let groups = ranges.iter().enumerate();
        groups
            .map(|(number, range)| ChunkGroup {
                number,
                range: range.clone(),
                chunks: vec![range.clone()],
            })
            .collect()
    }

    #[test]
    fn neighbours_are_read_together_up_to_the_size_of_a_piece() {
        let numbers = |ranges: &[Range<u64>], at_most| -> Vec<Vec<usize>> {
            let pieces = pieces(groups(ranges), at_most).into_iter();
            let numbers = |piece: Vec<ChunkGroup>| piece.iter().map(|group| group.number).collect();
            pieces.map(numbers).collect()
        };
        let even = [0..10, 10..20, 20..30, 30..40];
        assert_eq!(numbers(&even, 20), [vec![0, 1], vec![2, 3]]);
        assert_eq!(numbers(&even, 29), [vec![0, 1], vec![2, 3]]);
        assert_eq!(numbers(&even, 9), [[0], [1], [2], [3]]);
        // In the order of the bytes, and not across a gap.
        assert_eq!(
            numbers(&[20..30, 0..10, 10..19], 100),
            [vec![1, 2], vec![0]]
        );
        assert!(numbers(&[], 9).is_empty());
    }
}
