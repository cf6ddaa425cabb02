//! A store whose operations fail at random.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::store::{Store, StoreError, StoreErrorKind, StoredChecksums, StoredObject};
use crate::version::Version;

/// A store that fails or delays some operations of another store. The same seed
/// gives the same faults.
pub struct Faulty {
    inner: Arc<dyn Store>,
    random: Mutex<ChaCha8Rng>,
    /// The number of operations in a hundred that fail.
    failing: u32,
    /// The number of faults so far.
    faults: Arc<AtomicUsize>,
}

/// The fault of one operation.
enum Fault {
    None,
    /// The operation has no effect.
    Before,
    /// A part of the bytes is stored.
    Short,
    /// The operation has its effect, and its caller gets an error.
    After,
    /// The operation takes longer.
    Delay,
}

impl Faulty {
    /// Makes `failing` of a hundred operations of `inner` fail, and counts them in
    /// `faults`.
    pub fn new(inner: Arc<dyn Store>, failing: u32, seed: u64, faults: Arc<AtomicUsize>) -> Self {
        Self {
            inner,
            random: Mutex::new(ChaCha8Rng::seed_from_u64(seed)),
            failing,
            faults,
        }
    }

    fn fault(&self) -> Fault {
        let mut random = self.random.lock().unwrap();
        if random.random_range(0..100) >= self.failing {
            return match random.random_range(0..20) {
                0 => Fault::Delay,
                _ => Fault::None,
            };
        }
        self.faults.fetch_add(1, Ordering::Relaxed);
        match random.random_range(0..3) {
            0 => Fault::Before,
            1 => Fault::Short,
            _ => Fault::After,
        }
    }

    fn write(
        &self,
        whole: impl FnOnce() -> Result<(), StoreError>,
        short: impl FnOnce() -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        match self.fault() {
            Fault::None => return whole(),
            Fault::Delay => {
                std::thread::sleep(Duration::from_millis(2));
                return whole();
            }
            Fault::Before => {}
            Fault::Short => short()?,
            Fault::After => whole()?,
        }
        Err(injected_fault())
    }

    fn read<T>(&self, read: impl FnOnce() -> Result<T, StoreError>) -> Result<T, StoreError> {
        match self.fault() {
            Fault::None | Fault::Delay => read(),
            _ => Err(injected_fault()),
        }
    }
}

fn injected_fault() -> StoreError {
    let kind = StoreErrorKind::Unreachable;
    StoreError::new("reach", "the store", kind, "a fault was injected")
}

impl Store for Faulty {
    fn put(&self, key: &str, parts: &[&[u8]]) -> Result<(), StoreError> {
        let bytes = parts.concat();
        let short = || self.inner.put(key, &[&bytes[..bytes.len() / 2]]);
        self.write(|| self.inner.put(key, parts), short)
    }

    fn remove(&self, key: &str) -> Result<(), StoreError> {
        self.write(|| self.inner.remove(key), || Ok(()))
    }

    /// Fails before or after its effect: a conditional put is atomic in every store.
    fn put_if(
        &self,
        key: &str,
        bytes: &[u8],
        there: Option<&Version>,
    ) -> Result<Option<Version>, StoreError> {
        let put = || self.inner.put_if(key, bytes, there);
        match self.fault() {
            Fault::None | Fault::Delay => return put(),
            Fault::Before | Fault::Short => {}
            Fault::After => drop(put()?),
        }
        Err(injected_fault())
    }

    fn version(&self, key: &str) -> Result<Option<Version>, StoreError> {
        self.read(|| self.inner.version(key))
    }

    fn bring(&self, from: &str, key: &str) -> Result<(), StoreError> {
        self.write(|| self.inner.bring(from, key), || Ok(()))
    }

    fn has_late_requests(&self) -> bool {
        self.inner.has_late_requests()
    }

    fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.read(|| self.inner.get(key))
    }

    fn list(&self) -> Result<Vec<StoredObject>, StoreError> {
        self.read(|| self.inner.list())
    }

    fn stored_checksums(
        &self,
        keys: &[&str],
    ) -> Result<Option<Vec<Option<StoredChecksums>>>, StoreError> {
        self.read(|| self.inner.stored_checksums(keys))
    }
}

#[test]
fn a_store_without_faults_conforms() {
    let memory = Arc::new(super::Memory::new());
    let store = Faulty::new(memory, 0, 1, Arc::default());
    super::conforms(&store, &store);
}

#[test]
fn faults_are_counted_and_repeatable() {
    let run = || {
        let faults = Arc::new(AtomicUsize::new(0));
        let memory = Arc::new(super::Memory::new());
        let store = Faulty::new(memory, 30, 7, Arc::clone(&faults));
        let failed: Vec<bool> = (0..200)
            .map(|at| store.put(&at.to_string(), &[b"bytes"]).is_err())
            .collect();
        let count = failed.iter().filter(|failed| **failed).count();
        assert_eq!(count, faults.load(Ordering::Relaxed));
        failed
    };
    let failed = run();
    assert!(failed.contains(&true) && failed.contains(&false));
    assert_eq!(failed, run());
}
