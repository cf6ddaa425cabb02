//! Row groups that were read last.

use std::sync::{Arc, Mutex, PoisonError};

use parquet::data_type::ByteArray;

use crate::read_error::ReadError;

/// The images of a row group; `None` where a row has none.
pub(super) type Images = Arc<Vec<Option<ByteArray>>>;

/// A shard and a row group in it.
pub(super) type GroupId = (usize, usize);

/// The images of one row group, or the error of reading them; empty until they are read.
type Slot = Arc<Mutex<Option<Result<Images, ReadError>>>>;

/// Row groups in memory, the one used last at the end.
pub(super) struct KeptGroups {
    at_most: u64,
    groups: Mutex<Vec<(GroupId, u64, Slot)>>,
}

impl KeptGroups {
    /// Keeps groups of at most so many bytes together, and always the one read last.
    pub(super) fn new(at_most: u64) -> Self {
        Self {
            at_most,
            groups: Mutex::default(),
        }
    }

    /// Returns the images of a group of `bytes` bytes, which are read if they are not kept.
    /// Two threads that want one group read it once: the second waits for the first, which
    /// waits for no other thread.
    pub(super) fn get(
        &self,
        id: GroupId,
        bytes: u64,
        read: impl FnOnce() -> Result<Images, ReadError>,
    ) -> Result<Images, ReadError> {
        let slot = self.slot(id, bytes);
        let mut content = slot.lock().unwrap_or_else(PoisonError::into_inner);
        content.get_or_insert_with(read).clone()
    }

    /// Returns the place of a group, and forgets those that were not used for longest.
    fn slot(&self, id: GroupId, bytes: u64) -> Slot {
        let mut groups = self.groups.lock().unwrap_or_else(PoisonError::into_inner);
        let known = groups.iter().position(|(known, ..)| *known == id);
        let group = match known {
            Some(position) => groups.remove(position),
            None => (id, bytes, Slot::default()),
        };
        let slot = Arc::clone(&group.2);
        groups.push(group);
        let mut sum: u64 = groups.iter().map(|(_, bytes, _)| bytes).sum();
        while sum > self.at_most && groups.len() > 1 {
            sum -= groups.remove(0).1;
        }
        slot
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn the_groups_used_last_are_kept_within_the_limit() {
        let kept = KeptGroups::new(20);
        let reads = Cell::new(0);
        let get = |group: usize, bytes: u64| {
            let read = || {
                reads.set(reads.get() + 1);
                Ok(Arc::new(vec![Some(ByteArray::from(vec![group as u8]))]))
            };
            let images = kept.get((0, group), bytes, read).unwrap();
            assert_eq!(images[0].as_ref().unwrap().data(), [group as u8]);
            reads.get()
        };
        assert_eq!(
            [get(1, 10), get(2, 10), get(1, 10), get(2, 10)],
            [1, 2, 2, 2]
        );
        // The third group displaces the first one; a large one displaces all.
        assert_eq!([get(3, 10), get(2, 10), get(1, 10)], [3, 3, 4]);
        assert_eq!([get(9, 99), get(9, 99), get(1, 10)], [5, 5, 6]);
    }
}
