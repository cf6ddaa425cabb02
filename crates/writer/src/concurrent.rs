//! Making values concurrently, on a given number of threads.

use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};

use rxrx_storage::for_each_concurrent;

/// Returns the results of `make` for each item, in the order of `items`. At most
/// `threads` threads call `make`; after the first failure no other call begins.
pub(crate) fn map_concurrent<T: Sync, R: Send, E: Send>(
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
