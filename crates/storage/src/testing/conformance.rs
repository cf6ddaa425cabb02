//! The conformance kit: what every [`Store`] must do, whatever it is made of.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use crate::store::{Store, WriteObject, WriteOutcome};

/// Demands of an empty `store` what the trait promises.
pub fn conforms(store: &dyn Store) {
    assert_eq!(store.list().unwrap(), []);
    assert_eq!(store.get("a").unwrap(), None);
    store.remove("a").unwrap();

    let large = vec![7; 5 << 20];
    let objects = BTreeMap::from([
        ("a", vec![]),
        ("b/.hidden", b"x".to_vec()),
        ("b/c/d/e", b"one two".to_vec()),
        ("b/c0", b"y".to_vec()),
        ("large", large),
    ]);
    for (key, bytes) in &objects {
        let (head, tail) = bytes.split_at(bytes.len() / 3);
        store.put(key, &[head, &[], tail]).unwrap();
    }
    for (key, bytes) in &objects {
        assert!(store.get(key).unwrap().as_ref() == Some(bytes), "{key}");
    }
    // Part of a key is no key.
    assert!(!store.get("b/c").is_ok_and(|found| found.is_some()));
    let sizes = |store: &dyn Store| -> Vec<(String, u64)> {
        let list = store.list().unwrap().into_iter();
        list.map(|object| (object.key, object.size)).collect()
    };
    let expected = objects
        .iter()
        .map(|(key, bytes)| ((*key).to_owned(), bytes.len() as u64));
    assert_eq!(sizes(store), expected.collect::<Vec<_>>());

    store.put("a", &[b"longer"]).unwrap();
    store.put("large", &[b"shorter"]).unwrap();
    assert_eq!(store.get("a").unwrap().unwrap(), b"longer");
    assert_eq!(store.get("large").unwrap().unwrap(), b"shorter");
    for key in objects.keys() {
        store.remove(key).unwrap();
        assert_eq!(store.get(key).unwrap(), None);
    }
    assert_eq!(store.list().unwrap(), []);
    is_atomic(store);
    a_discarded_object_changes_nothing(store);
}

/// [`Store::put_streamed`] stores what is written, or leaves everything as it was where
/// the writer discards it or fails.
pub fn a_discarded_object_changes_nothing(store: &dyn Store) {
    let large = vec![1; 9 << 20];
    let put = |content: &[u8], outcome: std::io::Result<WriteOutcome>| {
        let write: WriteObject<'_> = Box::new(|object| {
            object.write_all(content)?;
            outcome
        });
        store.put_streamed("streamed", write)
    };
    for content in [&large[..], b"small"] {
        let discarded = put(content, Ok(WriteOutcome::Discard)).unwrap();
        assert_eq!(discarded, WriteOutcome::Discard);
        put(content, Err(std::io::Error::other("no more"))).unwrap_err();
        assert_eq!(store.list().unwrap(), []);

        let stored = put(content, Ok(WriteOutcome::Store)).unwrap();
        assert_eq!(stored, WriteOutcome::Store);
        put(b"other", Ok(WriteOutcome::Discard)).unwrap();
        put(b"other", Err(std::io::Error::other("no more"))).unwrap_err();
        assert!(store.get("streamed").unwrap().unwrap() == content);
        store.remove("streamed").unwrap();
    }
}

/// Two write one object, again and again; whoever reads it finds one or the
/// other, whole.
fn is_atomic(store: &dyn Store) {
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
        scope.spawn(move || {
            while !done.load(Ordering::Relaxed) {
                let found = store.get("shared").unwrap().unwrap();
                assert!(contents.contains(&found), "{} bytes", found.len());
            }
        });
        for writer in writers {
            writer.join().unwrap();
        }
        done.store(true, Ordering::Relaxed);
    });
    store.remove("shared").unwrap();
}
