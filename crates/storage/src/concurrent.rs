//! Runs several calls at the same time that mostly wait: for a disk to flush, or
//! for a server to answer.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

/// Calls `each` with every item, on at most `at_once` threads, until a call fails.
/// Returns when all calls that began have ended.
///
/// `Relaxed` is enough for the counter: it only hands each index to one thread,
/// and the end of the scope and the mutex order everything else.
///
/// # Errors
/// The first failure that was recorded.
pub fn for_each_concurrent<T: Sync, E: Send>(
    items: &[T],
    at_once: usize,
    each: impl Fn(&T) -> Result<(), E> + Sync,
) -> Result<(), E> {
    let next = AtomicUsize::new(0);
    let failure: Mutex<Option<E>> = Mutex::default();
    thread::scope(|scope| {
        for _ in 0..at_once.min(items.len()) {
            scope.spawn(|| {
                while let Some(item) = items.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if let Err(error) = each(item) {
                        next.store(items.len(), Ordering::Relaxed);
                        let mut failure = failure.lock().unwrap_or_else(PoisonError::into_inner);
                        failure.get_or_insert(error);
                    }
                }
            });
        }
    });
    let failure = failure.into_inner().unwrap_or_else(PoisonError::into_inner);
    failure.map_or(Ok(()), Err)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_item_is_used_once() {
        for at_once in [1, 3, 50] {
            let seen = Mutex::new(Vec::new());
            let items: Vec<usize> = (0..20).collect();
            let done: Result<(), ()> = for_each_concurrent(&items, at_once, |item| {
                seen.lock().unwrap().push(*item);
                Ok(())
            });
            assert_eq!(done, Ok(()));
            let mut seen = seen.into_inner().unwrap();
            seen.sort_unstable();
            assert_eq!(seen, items);
        }
    }

    #[test]
    fn no_call_begins_after_a_failure() {
        let begun = AtomicUsize::new(0);
        let failed = for_each_concurrent(&[1, 2, 3, 4, 5, 6], 1, |item| {
            begun.fetch_add(1, Ordering::Relaxed);
            if *item == 3 { Err("three") } else { Ok(()) }
        });
        assert_eq!((failed, begun.into_inner()), (Err("three"), 3));
    }
}
