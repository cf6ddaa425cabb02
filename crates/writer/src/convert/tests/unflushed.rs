//! A root that is in place and could not be flushed.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rxrx_format::keys::ROOT_METADATA;
use rxrx_storage::{Store, StoreError, StoredObject};

use super::super::*;
use super::{TestDirs, options};
use crate::events::Event;

/// A store of files whose folders cannot be flushed once the root is renamed.
struct Unflushed {
    inner: Arc<dyn Store>,
    fails: Arc<AtomicUsize>,
}

impl Unflushed {
    fn fail(&self) -> Result<(), StoreError> {
        let left = &self.fails;
        let before = left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1));
        match before {
            Err(_) => Ok(()),
            Ok(_) => Err(StoreError::from_io(
                "flush",
                "images.zarr",
                std::io::Error::from_raw_os_error(5),
            )),
        }
    }
}

impl Store for Unflushed {
    fn put(&self, key: &str, parts: &[&[u8]]) -> Result<(), StoreError> {
        self.inner.put(key, parts)?;
        if key == ROOT_METADATA {
            self.fail()
        } else {
            Ok(())
        }
    }
    fn flush_name(&self, key: &str) -> Result<(), StoreError> {
        if self.get(ROOT_METADATA)?.is_some() {
            self.fail()?;
        }
        self.inner.flush_name(key)
    }
    fn remove(&self, key: &str) -> Result<(), StoreError> {
        self.inner.remove(key)
    }
    fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.inner.get(key)
    }
    fn bring(&self, from: &str, key: &str) -> Result<(), StoreError> {
        self.inner.bring(from, key)
    }
    fn list(&self) -> Result<Vec<StoredObject>, StoreError> {
        self.inner.list()
    }
}

#[test]
fn a_root_that_cannot_be_flushed_is_sealed_and_flushed_by_the_next_run() {
    /// Counts what the user is told.
    #[derive(Default)]
    struct Told(AtomicUsize);
    impl Observer for Told {
        fn notice(&self, event: Event<'_>) {
            if let Event::NotFlushed { error } = event {
                assert!(error.contains("cannot flush images.zarr: "), "{error}");
                self.0.fetch_add(1, Ordering::SeqCst);
            }
        }
    }
    let dirs = TestDirs::new();
    dirs.convert("whole", 2, &options());
    let whole = dirs.objects("whole");
    let prepared = dirs.prepared(2);
    let fails = Arc::new(AtomicUsize::new(2));
    let mut left = Vec::new();
    for _ in 0..3 {
        let place = dirs.place("out").wrapped(|inner| {
            Arc::new(Unflushed {
                inner,
                fails: Arc::clone(&fails),
            })
        });
        let told = Told::default();
        convert_at(&place, &prepared, &options(), &told).unwrap();
        left.push((told.0.into_inner(), dirs.output("out.rxrx2zarr").exists()));
        assert!(dirs.objects("out") == whole);
    }
    // The first run is not flushed, the second one tries, the third one succeeds.
    assert_eq!(left, [(1, true), (1, true), (0, false)]);
}
