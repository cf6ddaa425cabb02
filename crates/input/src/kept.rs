//! What was read last, and is read again soon: row groups, and files with several pages.

use std::sync::{Arc, Mutex, PoisonError};

use crate::read_error::ReadError;

/// What was read, or the error of reading it; empty until it is read.
type Slot<T> = Arc<Mutex<Option<Result<T, ReadError>>>>;

/// Values in memory with their keys and sizes, the one used last at the end.
pub(crate) struct Kept<K, T> {
    at_most: u64,
    values: Mutex<Vec<(K, u64, Slot<T>)>>,
}

impl<K: PartialEq, T: Clone> Kept<K, T> {
    /// Keeps values of at most that size together, and always the one read last.
    pub(crate) fn new(at_most: u64) -> Self {
        Self {
            at_most,
            values: Mutex::default(),
        }
    }

    /// Returns a value of that size, which is read if it is not kept. Two threads that want
    /// one value read it once: the second waits for the first, which waits for no other
    /// thread.
    pub(crate) fn get(
        &self,
        key: K,
        size: u64,
        read: impl FnOnce() -> Result<T, ReadError>,
    ) -> Result<T, ReadError> {
        let slot = self.slot(key, size);
        let mut content = slot.lock().unwrap_or_else(PoisonError::into_inner);
        content.get_or_insert_with(read).clone()
    }

    /// Returns the place of a value, and forgets those that were not used for longest.
    fn slot(&self, key: K, size: u64) -> Slot<T> {
        let mut values = self.values.lock().unwrap_or_else(PoisonError::into_inner);
        let known = values.iter().position(|(known, ..)| *known == key);
        let value = match known {
            Some(position) => values.remove(position),
            None => (key, size, Slot::default()),
        };
        let slot = Arc::clone(&value.2);
        values.push(value);
        let mut sum: u64 = values.iter().map(|(_, size, _)| size).sum();
        while sum > self.at_most && values.len() > 1 {
            sum -= values.remove(0).1;
        }
        slot
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn the_values_used_last_are_kept_within_the_limit() {
        let kept = Kept::new(20);
        let reads = Cell::new(0);
        let get = |key: usize, size: u64| {
            let read = || {
                reads.set(reads.get() + 1);
                Ok(10 * key)
            };
            assert_eq!(kept.get(key, size, read).unwrap(), 10 * key);
            reads.get()
        };
        assert_eq!(
            [get(1, 10), get(2, 10), get(1, 10), get(2, 10)],
            [1, 2, 2, 2]
        );
        // The third value displaces the first one; a large one displaces all.
        assert_eq!([get(3, 10), get(2, 10), get(1, 10)], [3, 3, 4]);
        assert_eq!([get(9, 99), get(9, 99), get(1, 10)], [5, 5, 6]);
    }
}
