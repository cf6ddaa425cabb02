//! What a cache reads is what the store has, whatever happens to its folder.

use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, SystemTime};

use rxrx_storage::{LocalStore, Store, StoreError, StoreErrorKind, StoredObject, Version};
use tempfile::TempDir;

use crate::CachedStore;
use crate::entry::BLOCK;

/// A store that counts the requests for bytes.
struct Counting {
    store: LocalStore,
    requests: Arc<AtomicUsize>,
}

impl Store for Counting {
    fn put(&self, key: &str, parts: &[&[u8]]) -> Result<(), StoreError> {
        self.store.put(key, parts)
    }

    fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.store.get(key)
    }

    fn remove(&self, key: &str) -> Result<(), StoreError> {
        self.store.remove(key)
    }

    fn version(&self, key: &str) -> Result<Option<Version>, StoreError> {
        self.store.version(key)
    }

    fn get_range_of(
        &self,
        key: &str,
        range: Range<u64>,
        seen: Option<&Version>,
    ) -> Result<Option<(Vec<u8>, Version)>, StoreError> {
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.store.get_range_of(key, range, seen)
    }

    fn list(&self) -> Result<Vec<StoredObject>, StoreError> {
        self.store.list()
    }
}

/// A folder with a store and a cache of it.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn store(&self) -> LocalStore {
        LocalStore::new(self.0.path().join("data"), self.0.path().join("scratch"))
    }

    fn put(&self, key: &str, bytes: &[u8]) {
        self.store().put(key, &[bytes]).unwrap();
    }

    /// Opens a cache, as a process does, with the number of requests that it makes.
    fn open(&self, limit: Option<u64>) -> (CachedStore, Arc<AtomicUsize>) {
        let requests = Arc::default();
        let store = Counting {
            store: self.store(),
            requests: Arc::clone(&requests),
        };
        let cache = self.0.path().join("cache");
        let store = CachedStore::new(Box::new(store), "test", &cache, limit, "root").unwrap();
        (store, requests)
    }

    fn files(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.0.path().join("cache/rxrx2zarr-1")).unwrap();
        entries.map(|entry| entry.unwrap().path()).collect()
    }
}

/// Bytes that differ everywhere.
fn bytes(length: usize, seed: u32) -> Vec<u8> {
    let mut state = seed;
    let next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    std::iter::repeat_with(next).take(length).collect()
}

fn read(store: &dyn Store, key: &str, range: Range<usize>) -> Vec<u8> {
    let range = range.start as u64..range.end as u64;
    store.get_range(key, range).unwrap().unwrap()
}

const SIZE: usize = 5 * BLOCK as usize + 12_345;

#[test]
fn what_was_read_once_needs_no_request() {
    let folder = Folder::new();
    let content = bytes(SIZE, 1);
    folder.put("a/b", &content);
    let (store, requests) = folder.open(None);
    for range in [0..1, 300_000..600_000, SIZE - 1..SIZE, 0..SIZE, 7..7] {
        assert_eq!(read(&store, "a/b", range.clone()), content[range]);
    }
    // Block 0; blocks 1 and 2; block 5; blocks 3 and 4.
    assert_eq!(requests.load(Ordering::Relaxed), 4);
    for _ in 0..2 {
        let (store, requests) = folder.open(None);
        assert_eq!(read(&store, "a/b", 0..SIZE), content);
        let (whole, version) = store.get_version("a/b", u64::MAX).unwrap().unwrap();
        assert_eq!((whole, version.tag().is_some()), (content.clone(), true));
        assert_eq!(requests.load(Ordering::Relaxed), 0);
    }
    assert_eq!(store.get_range("absent", 0..1).unwrap(), None);
    let beyond = store.get_range("a/b", 0..SIZE as u64 + 1);
    assert!(beyond.is_err(), "{beyond:?}");
    folder.put("empty", b"");
    assert_eq!(read(&store, "empty", 0..0), b"");
}

#[test]
fn a_damaged_file_is_read_again() {
    let folder = Folder::new();
    let content = bytes(SIZE, 2);
    folder.put("a", &content);
    read(&folder.open(None).0, "a", 0..SIZE);
    let [file] = &folder.files()[..] else {
        panic!("one file");
    };
    let good = fs::read(file).unwrap();
    let damages: [fn(&mut Vec<u8>); 8] = [
        |file| file[0] ^= 1,
        |file| file[8] ^= 1,
        |file| file[33] ^= 1,
        |file| file[37] ^= 1,
        |file| file[5000] ^= 1,
        |file| file.truncate(100_000),
        |file| file.truncate(10),
        |file| file.fill(0xFF),
    ];
    for (number, damage) in damages.iter().enumerate() {
        let mut bad = good.clone();
        damage(&mut bad);
        fs::write(file, bad).unwrap();
        let (store, requests) = folder.open(None);
        assert_eq!(read(&store, "a", 0..SIZE), content, "damage {number}");
        assert!(requests.load(Ordering::Relaxed) > 0, "damage {number}");
        let (store, requests) = folder.open(None);
        assert_eq!(read(&store, "a", 0..SIZE), content, "damage {number}");
        assert_eq!(requests.load(Ordering::Relaxed), 0, "damage {number}");
    }
}

#[test]
fn a_folder_stays_below_its_limit() {
    let folder = Folder::new();
    let contents: Vec<Vec<u8>> = (0..20).map(|seed| bytes(SIZE, seed)).collect();
    for (number, content) in contents.iter().enumerate() {
        folder.put(&format!("{number}"), content);
    }
    let limit = 8 << 20;
    let (store, requests) = folder.open(Some(limit));
    let mut seen = Vec::new();
    for _ in 0..2 {
        for (number, content) in contents.iter().enumerate() {
            assert_eq!(read(&store, &format!("{number}"), 0..SIZE), *content);
        }
        seen.push(requests.swap(0, Ordering::Relaxed));
    }
    assert_eq!(seen[0], 20);
    // What is there stays, and is read a second time.
    assert!((1..20).contains(&seen[1]), "{seen:?}");
    let used = |folder: &Folder| -> u64 {
        let files = folder.files().into_iter();
        files
            .filter_map(|file| crate::entry::used_bytes(&file))
            .sum()
    };
    assert!(
        (limit / 2..=limit).contains(&used(&folder)),
        "{}",
        used(&folder)
    );
    // A process that comes later removes what nobody uses any more.
    for file in folder.files() {
        let file = fs::File::options().append(true).open(file).unwrap();
        let long_ago = SystemTime::now() - Duration::from_secs(1000);
        file.set_modified(long_ago).unwrap();
    }
    let (store, requests) = folder.open(Some(limit));
    for _ in 0..2 {
        assert_eq!(read(&store, "19", 0..SIZE), contents[19]);
    }
    assert_eq!(requests.load(Ordering::Relaxed), 1);
    assert!(used(&folder) <= limit);
}

#[test]
fn a_whole_object_is_fetched_by_large_requests() {
    let folder = Folder::new();
    let content = bytes(9 << 20, 8);
    folder.put("a", &content);
    folder.put("b", &content);
    let (store, requests) = folder.open(Some(12 << 20));
    assert!(store.fetch("a").unwrap());
    assert_eq!(requests.load(Ordering::Relaxed), 2);
    assert!(store.clone().fetch("a").unwrap());
    assert_eq!(read(&store, "a", 0..content.len()), content);
    assert_eq!(requests.load(Ordering::Relaxed), 2);
    // There is no room for another one, which is found out by the first request.
    assert!(!store.fetch("b").unwrap());
    assert_eq!(requests.load(Ordering::Relaxed), 3);
    assert!(!store.fetch("absent").unwrap());
}

#[test]
fn processes_share_a_folder() {
    let folder = Folder::new();
    let content = bytes(SIZE, 4);
    folder.put("a", &content);
    let stores: Vec<_> = (0..4).map(|_| folder.open(None)).collect();
    thread::scope(|scope| {
        for (number, (store, _)) in stores.iter().enumerate() {
            let (content, folder) = (&content, &folder);
            scope.spawn(move || {
                for step in 0..60 {
                    let start = (step * 97_003 + number * 31_337) % (SIZE - 40_000);
                    let range = start..start + 40_000;
                    assert_eq!(read(store, "a", range.clone()), content[range]);
                    if step % 10 == number {
                        for file in folder.files() {
                            // Another process may have removed it.
                            let _ = fs::remove_file(file);
                        }
                    }
                }
            });
        }
    });
}

#[test]
fn a_folder_that_cannot_be_written_only_keeps_nothing() {
    let folder = Folder::new();
    let content = bytes(SIZE, 5);
    folder.put("a", &content);
    let (store, requests) = folder.open(None);
    let cache = folder.0.path().join("cache");
    fs::remove_dir_all(&cache).unwrap();
    fs::write(&cache, "no folder").unwrap();
    for _ in 0..2 {
        assert_eq!(read(&store, "a", 0..SIZE), content);
    }
    assert_eq!(requests.load(Ordering::Relaxed), 2);
    let refused = CachedStore::new(Box::new(folder.store()), "test", &cache, None, "root");
    assert!(refused.is_err());
    assert!(Path::new(&cache).is_file());
}

#[test]
fn another_version_of_an_object_is_never_mixed_in() {
    let folder = Folder::new();
    let (old, new) = (bytes(SIZE, 6), bytes(SIZE, 7));
    folder.put("a", &old);
    let (store, _) = folder.open(None);
    assert_eq!(read(&store, "a", 0..10), old[..10]);
    folder.put("a", &new);
    // What was read stays; what was not is another object now.
    assert_eq!(read(&store, "a", 0..10), old[..10]);
    let changed = store.get_range("a", 0..SIZE as u64).unwrap_err();
    assert_eq!(changed.kind, StoreErrorKind::Changed);
    let (store, _) = folder.open(None);
    assert_eq!(read(&store, "a", 0..SIZE), new);
    // The root is always read itself.
    folder.put("root", b"one");
    assert_eq!(store.get_version("root", 9).unwrap().unwrap().0, b"one");
    folder.put("root", b"two");
    assert_eq!(store.get_version("root", 9).unwrap().unwrap().0, b"two");
}
