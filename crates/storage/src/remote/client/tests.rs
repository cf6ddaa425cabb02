use std::sync::atomic::{AtomicUsize, Ordering};

use object_store::chunked::ChunkedStore;
use object_store::memory::InMemory;

use super::*;
use crate::remote::{PART, RemoteStore};
use crate::store::{WriteObject, WriteOutcome};

fn memory() -> Remote {
    Remote::on(Arc::new(InMemory::new()), "a/b")
}

#[test]
fn large_objects_are_uploaded_in_parts_and_small_ones_are_not() {
    let remote = memory();
    for length in [0, 1, PART - 1, PART, PART + 1, 3 * PART + 5] {
        let bytes: Vec<u8> = (0..length).map(|at| (at / 1000) as u8).collect();
        let put = |step: usize| {
            let write: WriteObject<'_> = Box::new(|object| {
                let mut pieces = bytes.chunks(step);
                pieces.try_for_each(|piece| object.write_all(piece))?;
                Ok(WriteOutcome::Store)
            });
            remote.put_streamed("c", write).unwrap();
            assert!(remote.get("c").unwrap().unwrap() == bytes);
        };
        put(700_000);
        put(length.max(1));
        remote.put("d", bytes.clone().into()).unwrap();
        assert!(remote.get("d").unwrap().unwrap() == bytes);
    }
}

#[test]
fn an_unfinished_object_is_absent() {
    let remote = memory();
    let pieces = AtomicUsize::new(0);
    let write: WriteObject<'_> = Box::new(|object| {
        for _ in 0..3 {
            object.write_all(&vec![1; PART])?;
            pieces.fetch_add(1, Ordering::Relaxed);
        }
        Err(io::Error::other("no more"))
    });
    let error = remote.put_streamed("c", write).unwrap_err();
    assert_eq!(error.object, "s3://test/a/b/c");
    assert_eq!(error.source.to_string(), "no more");
    assert_eq!(pieces.into_inner(), 3);
    assert_eq!(remote.list().unwrap(), []);
}

#[test]
fn keys_are_relative_to_the_address() {
    let remote = memory();
    let keys = ["e/f/g", "e/f0", "h/i/j/k", "z", "é €%20"];
    for key in keys {
        remote.put(key, "12".into()).unwrap();
        remote.beside("x").put(key, "beside".into()).unwrap();
    }
    for list in [remote.list().unwrap(), remote.list_wide().unwrap()] {
        let found: Vec<_> = list.iter().map(|o| (o.key.as_str(), o.size)).collect();
        assert_eq!(found, keys.map(|key| (key, 2)));
    }
    let mut entries = remote.entries().unwrap();
    entries.sort();
    assert_eq!(entries, ["e", "h", "z", "é €%20"]);
    assert_eq!(remote.below("e/f").unwrap().len(), 1);
    remote
        .remove_all(&["e/f0".to_owned(), "none".to_owned()])
        .unwrap();
    assert_eq!(remote.get("e/f0").unwrap(), None);
    assert_eq!(remote.list().unwrap().len(), 4);
    assert_eq!(remote.head("none").unwrap(), None);
    assert_eq!(remote.beside("x").list().unwrap().len(), 5);
}

#[test]
fn parts_of_objects_are_read_in_their_order() {
    let remote = memory();
    remote.put("c", "0123456789".into()).unwrap();
    remote.put("empty", "".into()).unwrap();
    let head = || remote.head("c").unwrap().unwrap();
    let first = head();
    let read = |object: &RemoteObject| remote.get_ranges(object, &[7..9, 0..1, 2..5]);
    assert_eq!(read(&first).unwrap(), ["78", "0", "234"]);
    remote.put("c", "9876543210".into()).unwrap();
    assert_eq!(read(&head()).unwrap(), ["21", "9", "765"]);
    let error = read(&first).unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::Changed);
    assert!(
        error.source.to_string().contains("was replaced"),
        "{error:?}"
    );
    // A server without tags, and a server that ignores the condition.
    for (e_tag, modified) in [(None, 0), (Some("W/other".to_owned()), first.modified)] {
        let other = RemoteObject {
            e_tag,
            modified,
            ..head()
        };
        let error = read(&other).unwrap_err();
        assert!(
            error.source.to_string().contains("was replaced"),
            "{error:?}"
        );
    }

    let all = remote.get_all(&["c", "none", "empty"], 4);
    let [c, none, empty] = all.try_into().unwrap();
    let (object, head) = c.unwrap().unwrap();
    assert_eq!((object.size, &head[..]), (10, &b"9876"[..]));
    assert_eq!(none.unwrap(), None);
    assert_eq!(empty.unwrap().unwrap().1, "");
}

#[test]
fn remote_stores_conform() {
    // Answers arrive whole, or in pieces of 1,000 bytes.
    let in_pieces = ChunkedStore::new(Arc::new(InMemory::new()), 1000);
    let in_pieces = Remote::on(Arc::new(in_pieces), "a/b");
    for remote in [memory(), in_pieces] {
        remote.connection().set_conditions(true);
        let [store, again] = [(); 2].map(|()| RemoteStore::new(remote.clone(), None));
        crate::testing::conforms(&store, &again);
        crate::testing::remote_conforms(&remote);
        let work = remote.beside(".work");
        let store = RemoteStore::new(remote, None).with_work(work.clone());
        crate::testing::objects_are_brought(&store, &RemoteStore::new(work, None));
    }
}
