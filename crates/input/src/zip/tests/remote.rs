//! Archives in an object store.

use std::sync::Arc;

use object_store::memory::InMemory;
use rxrx_storage::{Remote, RemoteBytes};

use super::*;

const ENTRIES: usize = 300;

fn stored(bytes: Vec<u8>) -> (Remote, RemoteBytes) {
    let remote = Remote::on(Arc::new(InMemory::new()), "rxrx1-images.zip");
    remote.put("", bytes.into()).unwrap();
    let found = RemoteBytes::of(remote.clone()).unwrap().unwrap();
    (remote, found)
}

fn entries() -> Vec<Made> {
    let entry = |number| match number % 3 {
        0 => Made::stored(&path(number), &content(number)),
        1 => Made::deflated(&path(number), &content(number)),
        _ => Made {
            local_extra: vec![7; 40 + 600 * (number % 2)],
            ..Made::stored(&path(number), &content(number))
        },
    };
    (0..ENTRIES).map(entry).collect()
}

#[test]
fn every_entry_of_a_remote_archive_is_read_as_of_a_local_one() {
    let bytes = archive(&entries());
    assert!(bytes.len() > 1 << 20, "more than the end");
    let (here, listed_here) = open(bytes.clone());
    let (_, found) = stored(bytes);
    let (there, listed) = Archive::remote("a.zip", found).unwrap();
    assert_eq!(listed.images, listed_here.images);
    let mut paths: Vec<String> = (0..ENTRIES).map(path).collect();
    paths.insert(7, "none".to_owned());
    for at_most in [1 << 20, 100] {
        for step in [1, 7, paths.len()] {
            for chunk in paths.chunks(step) {
                let files = || -> Vec<_> { chunk.iter().map(|p| (&**p, vec![1])).collect() };
                let (mut expected, mut found) = (files(), files());
                let read = there.read_all(&mut found, at_most);
                for (read, expected) in read.iter().zip(here.read_all(&mut expected, at_most)) {
                    assert_eq!(read.as_ref().ok(), expected.as_ref().ok());
                }
                assert_eq!(found, expected);
            }
        }
    }
}

#[test]
fn an_archive_that_is_replaced_is_unreachable_and_makes_no_bad_images() {
    let bytes = archive(&entries());
    let (remote, found) = stored(bytes.clone());
    let (there, _) = Archive::remote("a.zip", found).unwrap();
    remote.put("", bytes.into()).unwrap();
    let (first, second) = (path(0), path(200));
    let mut files = [
        (&*first, Vec::new()),
        (&*second, Vec::new()),
        ("none", Vec::new()),
    ];
    let read = there.read_all(&mut files, 1 << 20);
    let [first, second, none] = read.try_into().unwrap();
    for read in [first, second] {
        let error = read.unwrap_err();
        assert!(matches!(error, ReadError::Unreachable(_)), "{error}");
        assert!(error.to_string().contains("was replaced"), "{error}");
    }
    assert!(none.unwrap_err().is_vanished());
}

#[test]
fn a_remote_file_that_is_not_an_archive_is_refused() {
    let (_, found) = stored(b"<html>not found</html>".repeat(9999));
    let error = Archive::remote("a.zip", found).err().unwrap();
    assert!(matches!(error, ArchiveError::NoArchive { .. }), "{error}");
    let mut bytes = archive(&entries());
    bytes.truncate(bytes.len() - 30);
    let (_, found) = stored(bytes);
    let error = Archive::remote("a.zip", found).err().unwrap();
    assert!(matches!(error, ArchiveError::CutOff { .. }), "{error}");
}
