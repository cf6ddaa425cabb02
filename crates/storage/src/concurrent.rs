//! Runs several calls at the same time that mostly wait: for a disk to flush, or
//! for a server to answer.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

/// Calls `each` with every item, on at most `at_once` threads, until a call fails.
/// Returns when all calls that began have ended.
///
/// The calling thread is one of them. If the system gives fewer threads, those that
/// there are do all the work.
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
    let work = || {
        while let Some(item) = items.get(next.fetch_add(1, Ordering::Relaxed)) {
            if let Err(error) = each(item) {
                next.store(items.len(), Ordering::Relaxed);
                let mut failure = failure.lock().unwrap_or_else(PoisonError::into_inner);
                failure.get_or_insert(error);
            }
        }
    };
    thread::scope(|scope| {
        for _ in 1..at_once.min(items.len()) {
            if thread::Builder::new().spawn_scoped(scope, work).is_err() {
                break;
            }
        }
        work();
    });
    let failure = failure.into_inner().unwrap_or_else(PoisonError::into_inner);
    failure.map_or(Ok(()), Err)
}

/// Returns the results of `make` for each item, in the order of `items`. At most
/// `threads` threads call `make`; after the first failure no other call begins.
///
/// # Errors
/// The first failure of `make`.
pub fn map_concurrent<T: Sync, R: Send, E: Send>(
    items: &[T],
    threads: NonZeroUsize,
    make: impl Fn(&T) -> Result<R, E> + Sync,
) -> Result<Vec<R>, E> {
    let numbered: Vec<(usize, &T)> = items.iter().enumerate().collect();
    let made = Mutex::new(Vec::with_capacity(items.len()));
    for_each_concurrent(&numbered, threads.get(), |&(number, item)| {
        let result = make(item)?;
        let mut made = made.lock().unwrap_or_else(PoisonError::into_inner);
        made.push((number, result));
        Ok(())
    })?;
    let mut made = made.into_inner().unwrap_or_else(PoisonError::into_inner);
    made.sort_unstable_by_key(|(number, _)| *number);
    Ok(made.into_iter().map(|(_, result)| result).collect())
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

    #[test]
    fn results_have_the_order_of_the_items() {
        let items: Vec<u64> = (0..100).collect();
        for threads in [1, 3, 200] {
            let threads = NonZeroUsize::new(threads).unwrap();
            let squares = map_concurrent(&items, threads, |item| Ok::<_, ()>(item * item));
            assert_eq!(squares.unwrap()[99], 99 * 99);
        }
    }

    #[test]
    fn the_first_failure_is_returned() {
        let failed = map_concurrent(&[1, 2, 3], NonZeroUsize::MIN, |item| match item {
            2 => Err("two"),
            _ => Ok(()),
        });
        assert_eq!(failed, Err("two"));
    }
}
