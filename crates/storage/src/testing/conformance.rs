//! The conformance kit: one function for each promise of [`Store`] and of
//! [`Remote`]. A function panics if the store breaks the promise.
//!
//! Every function takes an empty store and leaves it empty. A disk may keep the
//! folders of removed objects, so no key is the folder of another one.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use crate::remote::Remote;
use crate::store::{Store, StoreErrorKind, Streamed, WriteObject, WriteOutcome};

/// Size in bytes of an object that a remote store may send in several pieces.
const LARGE: usize = 5 << 20;

/// Checks all promises of [`Store`]. `again` is the same place, opened a second
/// time; a store that can be opened once only is given twice.
pub fn conforms(store: &dyn Store, again: &dyn Store) {
    absent_objects_are_none(store);
    whole_objects_are_read_back(store);
    ranges_are_read_exactly(store);
    objects_are_visible_to_others_at_once(store, again);
    objects_are_listed_in_the_order_of_keys(store);
    a_put_replaces_the_whole_object(store);
    a_put_with_a_checksum_stores_the_same_object(store);
    removed_objects_are_absent(store);
    discarded_objects_change_nothing(store);
    puts_are_atomic(store, again);
    a_conditional_put_keeps_what_was_not_seen(store);
}

/// [`Store::put_if`] stores an object only over the version that was seen, and
/// [`Store::version`] changes with the bytes.
pub fn a_conditional_put_keeps_what_was_not_seen(store: &dyn Store) {
    let key = "visible/state";
    let read = || store.get_version(key, 100).unwrap();
    assert_eq!((read(), store.version(key).unwrap()), (None, None));
    let first = store.put_if(key, b"first", None).unwrap().unwrap();
    assert_eq!(read(), Some((b"first".to_vec(), first.clone())));
    assert_eq!(store.put_if(key, b"other", None).unwrap(), None);
    let second = store.put_if(key, b"second", Some(&first)).unwrap().unwrap();
    assert_ne!(first, second);
    assert_eq!(store.put_if(key, b"other", Some(&first)).unwrap(), None);
    assert_eq!(read(), Some((b"second".to_vec(), second.clone())));
    assert!(store.get_version(key, 3).is_err(), "it is larger");
    store.remove(key).unwrap();
    assert_eq!(store.put_if(key, b"other", Some(&second)).unwrap(), None);
    assert_eq!(read(), None);
}

/// [`Store::bring`] makes an object of the work folder `work` one of the store, in place of
/// what is there, and can do so again.
pub fn objects_are_brought(store: &dyn Store, work: &dyn Store) {
    let large = vec![7; LARGE];
    for bytes in [b"small".to_vec(), large] {
        work.put("run/x", &[&bytes]).unwrap();
        store.put("visible/x", &[b"former"]).unwrap();
        for key in ["visible/x", "new/x"] {
            for _ in 0..2 {
                store.bring("run/x", key).unwrap();
                assert!(store.get(key).unwrap().as_ref() == Some(&bytes), "{key}");
                assert!(work.get("run/x").unwrap().as_ref() == Some(&bytes));
            }
        }
        // The object of the store is another one than that of the work folder.
        work.put("run/x", &[b"changed"]).unwrap();
        assert!(store.get("new/x").unwrap() == Some(bytes));
        work.remove("run/x").unwrap();
        store
            .remove_all(&["visible/x".to_owned(), "new/x".to_owned()])
            .unwrap();
    }
    let error = store.bring("run/absent", "visible/x").unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::NotFound, "{error}");
    assert_eq!(store.get("visible/x").unwrap(), None);
}

/// Checks all promises of [`Remote`] that go beyond those of [`Store`].
pub fn remote_conforms(remote: &Remote) {
    a_create_only_put_keeps_what_is_there(remote);
    one_of_many_create_only_puts_succeeds(remote);
}

/// [`Store::get`] returns `None` for an absent object, [`Store::remove`] accepts
/// one, and [`Store::list`] of an empty store is empty.
pub fn absent_objects_are_none(store: &dyn Store) {
    assert_eq!(store.list().unwrap(), []);
    for key in ["a", "visible/a"] {
        assert_eq!(store.get(key).unwrap(), None, "{key}");
        store.remove(key).unwrap();
    }
    store
        .remove_all(&["a".to_owned(), "visible/a".to_owned()])
        .unwrap();
}

/// [`Store::get`] returns the concatenation of the parts that [`Store::put`] was
/// given, and a part of a key is not a key.
pub fn whole_objects_are_read_back(store: &dyn Store) {
    let objects = objects();
    put_all(store, &objects);
    for (key, bytes) in &objects {
        assert!(store.get(key).unwrap().as_ref() == Some(bytes), "{key}");
    }
    // A disk has a folder of that name, which cannot be read as an object.
    assert!(!store.get("b/c").is_ok_and(|found| found.is_some()));
    remove_all(store, &objects);
}

/// [`Store::get_range`] returns exactly the bytes of the range, `None` for an absent
/// object, and an error for a range that ends beyond the object.
pub fn ranges_are_read_exactly(store: &dyn Store) {
    let objects = objects();
    put_all(store, &objects);
    let read = |range: Range<u64>| store.get_range("b/c/d/e", range);
    for (range, expected) in [(0..7, "one two"), (4..7, "two"), (2..5, "e t"), (3..3, "")] {
        let found = read(range).unwrap();
        assert_eq!(found.as_deref(), Some(expected.as_bytes()));
    }
    for beyond in [6..8, 7..8, 8..9, 8..8, 0..u64::MAX] {
        let error = read(beyond.clone()).unwrap_err();
        assert!(error.object.ends_with("b/c/d/e"), "{error}");
    }
    // The memory of other bytes, more and fewer of them, is used again.
    let mut used = vec![7; 9];
    for range in [0..3, 1..2, 0..4] {
        let expected = read(range.clone()).unwrap();
        let version = store.get_range_into("b/c/d/e", range, None, &mut used);
        assert_eq!(version.unwrap(), store.version("b/c/d/e").unwrap());
        assert_eq!(Some(&used), expected.as_ref());
    }
    let none = store.get_range_into("absent", 0..1, None, &mut used);
    assert_eq!(none.unwrap(), None);
    let empty = store.get_range("a", 0..0).unwrap();
    assert_eq!(empty.as_deref(), Some(&b""[..]));
    store.get_range("a", 0..1).unwrap_err();
    for range in [0..0, 0..1] {
        assert_eq!(store.get_range("absent", range.clone()).unwrap(), None);
        // A disk has a folder of that name, which cannot be read as an object.
        let folder = store.get_range("b/c", range);
        assert!(!folder.is_ok_and(|found| found.is_some()));
    }
    let (start, end) = (1 << 20, (4 << 20) + 1);
    let large = store.get_range("large", start..end).unwrap().unwrap();
    assert!(large == objects["large"][start as usize..end as usize]);
    remove_all(store, &objects);
}

/// After [`Store::put`] and [`Store::remove`] return, everybody sees their effect.
///
/// That an object survives a crash of the machine cannot be seen by a process
/// that does not crash. This is the part of durability that can be seen.
pub fn objects_are_visible_to_others_at_once(store: &dyn Store, again: &dyn Store) {
    for content in [&b"first"[..], b"second"] {
        store.put("visible/a", &[content]).unwrap();
        assert_eq!(again.get("visible/a").unwrap().unwrap(), content);
    }
    assert_eq!(again.list().unwrap().len(), 1);
    store.remove("visible/a").unwrap();
    assert_eq!(again.get("visible/a").unwrap(), None);
    assert_eq!(again.list().unwrap(), []);
}

/// [`Store::list`] returns every object with its size, ordered by key.
pub fn objects_are_listed_in_the_order_of_keys(store: &dyn Store) {
    let objects = objects();
    put_all(store, &objects);
    let list = store.list().unwrap().into_iter();
    let found: Vec<(String, u64)> = list.map(|object| (object.key, object.size)).collect();
    let expected: Vec<(String, u64)> = objects
        .iter()
        .map(|(key, bytes)| ((*key).to_owned(), bytes.len() as u64))
        .collect();
    assert_eq!(found, expected);
    remove_all(store, &objects);
}

/// [`Store::put`] of a key that exists replaces the object, whether the new one is
/// shorter or longer.
pub fn a_put_replaces_the_whole_object(store: &dyn Store) {
    for length in [7, LARGE, 3, 0, 9] {
        let bytes = vec![1; length];
        store.put("a", &[&bytes]).unwrap();
        assert!(store.get("a").unwrap().unwrap() == bytes, "{length} bytes");
        let list = store.list().unwrap();
        assert_eq!((list.len(), list[0].size), (1, length as u64));
    }
    store.remove("a").unwrap();
}

/// [`Store::put_with_checksum`] stores the object that [`Store::put`] stores.
pub fn a_put_with_a_checksum_stores_the_same_object(store: &dyn Store) {
    const SHA256_OF_ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    store.put_with_checksum("a", b"abc", SHA256_OF_ABC).unwrap();
    assert_eq!(store.get("a").unwrap().unwrap(), b"abc");
    store.remove("a").unwrap();
}

/// [`Store::put_streamed`] stores what is written, or leaves everything as it was where
/// the writer discards it or fails.
pub fn discarded_objects_change_nothing(store: &dyn Store) {
    let large = vec![1; 2 * LARGE];
    let put = |content: &[u8], outcome: std::io::Result<WriteOutcome>| {
        let write: WriteObject<'_> = Box::new(|object| {
            object.write_all(content)?;
            outcome
        });
        store.put_streamed("streamed", write)
    };
    let failure = || Err(std::io::Error::other("no more"));
    for content in [&large[..], b"small"] {
        let discarded = put(content, Ok(WriteOutcome::Discard)).unwrap();
        assert_eq!(discarded, Streamed::Discarded);
        put(content, failure()).unwrap_err();
        assert_eq!(store.list().unwrap(), []);

        let stored = put(content, Ok(WriteOutcome::Store)).unwrap();
        let version = store.version("streamed").unwrap();
        match stored {
            Streamed::Stored(stored) => assert!(stored.is_none() || stored == version),
            Streamed::Discarded => panic!("it is discarded"),
        }
        put(b"other", Ok(WriteOutcome::Discard)).unwrap();
        put(b"other", failure()).unwrap_err();
        assert!(store.get("streamed").unwrap().unwrap() == content);
        store.remove("streamed").unwrap();
    }
}

/// [`Store::remove`] and [`Store::remove_all`] remove the objects that they are
/// given and no others.
pub fn removed_objects_are_absent(store: &dyn Store) {
    let keys = ["a", "a.b", "d/c", "d/cd", "e"];
    for key in keys {
        store.put(key, &[key.as_bytes()]).unwrap();
    }
    store.remove("d/c").unwrap();
    let some = ["a".to_owned(), "e".to_owned(), "absent".to_owned()];
    store.remove_all(&some).unwrap();
    for key in keys {
        let is_left = ["a.b", "d/cd"].contains(&key);
        assert_eq!(store.get(key).unwrap().is_some(), is_left, "{key}");
    }
    assert_eq!(store.list().unwrap().len(), 2);
    store
        .remove_all(&["a.b".to_owned(), "d/cd".to_owned()])
        .unwrap();
    assert_eq!(store.list().unwrap(), []);
}

/// While two writers put one object again and again, every reader finds the one
/// object or the other, and never a part.
pub fn puts_are_atomic(store: &dyn Store, again: &dyn Store) {
    const TIMES: usize = 30;
    let contents = [1u8, 2].map(|byte| vec![byte; 30_000]);
    let done = AtomicBool::new(false);
    store.put("shared", &[&contents[0]]).unwrap();
    thread::scope(|scope| {
        let writers = contents.each_ref().map(|content| {
            scope.spawn(move || {
                for _ in 0..TIMES {
                    store.put("shared", &[content]).unwrap();
                }
            })
        });
        let (done, contents) = (&done, &contents);
        for reader in [store, again] {
            scope.spawn(move || {
                while !done.load(Ordering::Relaxed) {
                    let found = reader.get("shared").unwrap().unwrap();
                    assert!(contents.contains(&found), "{} bytes", found.len());
                }
            });
        }
        for writer in writers {
            writer.join().unwrap();
        }
        done.store(true, Ordering::Relaxed);
    });
    store.remove("shared").unwrap();
}

/// [`Remote::put_new`] stores an object only where there is none, and says
/// whether it did.
pub fn a_create_only_put_keeps_what_is_there(remote: &Remote) {
    assert!(remote.put_new("a", "first".into()).unwrap());
    assert!(!remote.put_new("a", "second".into()).unwrap());
    assert_eq!(remote.get("a").unwrap().unwrap(), "first");
    remote.remove("a").unwrap();
    assert!(remote.put_new("a", "third".into()).unwrap());
    assert_eq!(remote.get("a").unwrap().unwrap(), "third");
    remote.remove("a").unwrap();
}

/// Of several [`Remote::put_new`] of one key at the same time, exactly one
/// succeeds, and its object is the one that is stored.
pub fn one_of_many_create_only_puts_succeeds(remote: &Remote) {
    const WRITERS: usize = 8;
    let (successes, winner) = (AtomicUsize::new(0), AtomicUsize::new(WRITERS));
    thread::scope(|scope| {
        for writer in 0..WRITERS {
            let (successes, winner) = (&successes, &winner);
            scope.spawn(move || {
                if remote.put_new("a", writer.to_string().into()).unwrap() {
                    successes.fetch_add(1, Ordering::Relaxed);
                    winner.store(writer, Ordering::Relaxed);
                }
            });
        }
    });
    assert_eq!(successes.into_inner(), 1);
    let stored = remote.get("a").unwrap().unwrap();
    assert_eq!(stored, winner.into_inner().to_string());
    remote.remove("a").unwrap();
}

/// Objects of several sizes, with keys on several levels.
fn objects() -> BTreeMap<&'static str, Vec<u8>> {
    BTreeMap::from([
        ("a", vec![]),
        ("b/.hidden", b"x".to_vec()),
        ("b/c/d/e", b"one two".to_vec()),
        ("b/c0", b"y".to_vec()),
        ("large", vec![7; LARGE]),
    ])
}

fn put_all(store: &dyn Store, objects: &BTreeMap<&str, Vec<u8>>) {
    for (key, bytes) in objects {
        let (head, tail) = bytes.split_at(bytes.len() / 3);
        store.put(key, &[head, &[], tail]).unwrap();
    }
}

fn remove_all(store: &dyn Store, objects: &BTreeMap<&str, Vec<u8>>) {
    for key in objects.keys() {
        store.remove(key).unwrap();
    }
    assert_eq!(store.list().unwrap(), []);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{StoreError, StoredObject};
    use crate::testing::Memory;

    /// A store that breaks one promise.
    struct Broken {
        memory: Memory,
        /// Changes an object that is read.
        read: fn(Vec<u8>) -> Vec<u8>,
        /// Changes a list.
        list: fn(Vec<StoredObject>) -> Vec<StoredObject>,
    }

    impl Store for Broken {
        fn put(&self, key: &str, parts: &[&[u8]]) -> Result<(), StoreError> {
            self.memory.put(key, parts)
        }

        fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
            Ok(self.memory.get(key)?.map(self.read))
        }

        fn remove(&self, key: &str) -> Result<(), StoreError> {
            self.memory.remove(key)
        }

        fn list(&self) -> Result<Vec<StoredObject>, StoreError> {
            Ok((self.list)(self.memory.list()?))
        }
    }

    fn passes(check: fn(&dyn Store), store: &Broken) -> bool {
        let check = std::panic::AssertUnwindSafe(|| check(store));
        std::panic::catch_unwind(check).is_ok()
    }

    #[test]
    fn a_store_that_breaks_a_promise_is_found_out() {
        let reversed = |mut list: Vec<StoredObject>| {
            list.reverse();
            list
        };
        let cut = |mut bytes: Vec<u8>| {
            bytes.pop();
            bytes
        };
        let store = |read, list| Broken {
            memory: Memory::new(),
            read,
            list,
        };
        let good = store(|bytes| bytes, |list| list);
        let short = store(cut, |list| list);
        let unordered = store(|bytes| bytes, reversed);
        assert!(passes(whole_objects_are_read_back, &good));
        assert!(!passes(whole_objects_are_read_back, &short));
        assert!(!passes(a_put_replaces_the_whole_object, &short));
        assert!(passes(objects_are_listed_in_the_order_of_keys, &good));
        assert!(!passes(objects_are_listed_in_the_order_of_keys, &unordered));
    }
}
