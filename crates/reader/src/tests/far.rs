//! Reading from a store that is far away: many requests are under way at once.

use std::ops::Range;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use rxrx_format::DataType::UInt8;
use rxrx_format::keys::shard_key;
use rxrx_storage::testing::Memory;
use rxrx_storage::{Store, StoreError, StoreErrorKind, StoredObject, Version};

use super::fixture::{Shape, change, opened, threads};
use crate::error::DatasetError;

/// Requests that the store has use for.
const READERS: usize = 8;
/// Longer than a thread of a busy machine takes to make a request.
const PATIENCE: Duration = Duration::from_secs(60);

/// Requests for parts of shards that have no answer yet, and the most that there were.
#[derive(Default)]
struct UnderWay {
    now: usize,
    most: usize,
}

/// A store that answers the first requests for parts of shards when `waits_for` of them are
/// under way.
struct Far {
    inner: Memory,
    waits_for: usize,
    under_way: Arc<(Mutex<UnderWay>, Condvar)>,
    fails: bool,
}

impl Far {
    fn new(inner: Memory, waits_for: usize) -> Self {
        Self {
            inner,
            waits_for,
            under_way: Arc::default(),
            fails: false,
        }
    }
}

impl Store for Far {
    fn put(&self, key: &str, parts: &[&[u8]]) -> Result<(), StoreError> {
        self.inner.put(key, parts)
    }

    fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.inner.get(key)
    }

    fn get_range(&self, key: &str, range: Range<u64>) -> Result<Option<Vec<u8>>, StoreError> {
        let (under_way, changed) = &*self.under_way;
        let mut requests = under_way.lock().unwrap();
        requests.now += 1;
        requests.most = requests.most.max(requests.now);
        changed.notify_all();
        let waits = |requests: &mut UnderWay| requests.most < self.waits_for;
        let (mut requests, waited) = changed
            .wait_timeout_while(requests, PATIENCE, waits)
            .unwrap();
        assert!(!waited.timed_out(), "{} requests at once", requests.most);
        requests.now -= 1;
        drop(requests);
        if self.fails {
            return Err(StoreError::new("read", key, StoreErrorKind::Other, "no"));
        }
        self.inner.get_range(key, range)
    }

    fn readers(&self) -> usize {
        READERS
    }

    fn version(&self, key: &str) -> Result<Option<Version>, StoreError> {
        self.inner.version(key)
    }

    fn remove(&self, key: &str) -> Result<(), StoreError> {
        self.inner.remove(key)
    }

    fn list(&self) -> Result<Vec<StoredObject>, StoreError> {
        self.inner.list()
    }
}

/// Twelve shards of two sites.
fn shape(chunk_channels: usize, tile: Option<usize>) -> Shape {
    Shape {
        sites: 24,
        channels: 2,
        chunk_sites: 1,
        chunk_channels,
        shard_sites: 2,
        tile,
        data_type: UInt8,
    }
}

#[test]
fn requests_do_not_wait_for_threads_that_decode() {
    let made = shape(2, None);
    let sites: Vec<usize> = (0..made.sites).rev().collect();
    let expected: Vec<u8> = sites.iter().flat_map(|&site| made.site(site)).collect();
    for (decoders, at_once) in [(1, READERS), (2, READERS), (12, 12)] {
        let dataset = opened(Far::new(made.store(), at_once));
        let batch = dataset.read_batch(&sites, threads(decoders)).unwrap();
        assert!(batch.bytes() == expected);
    }
}

#[test]
fn every_kind_of_chunk_is_read() {
    for chunk_channels in [1, 2] {
        for tile in [None, Some(2)] {
            let made = shape(chunk_channels, tile);
            let dataset = opened(Far::new(made.store(), 1));
            let sites = [23, 0, 5, 5, 4, 17, 23];
            let expected: Vec<u8> = sites.iter().flat_map(|&site| made.site(site)).collect();
            for decoders in [1, 3, 40] {
                let batch = dataset.read_batch(&sites, threads(decoders)).unwrap();
                assert!(batch.bytes() == expected);
                let site = dataset.read_site(9).unwrap();
                assert!(site.bytes() == made.site(9));
            }
        }
    }
}

#[test]
fn the_first_failure_ends_the_read() {
    let made = shape(2, None);
    let sites: Vec<usize> = (0..made.sites).collect();
    for decoders in [1, 3] {
        let mut store = Far::new(made.store(), 1);
        store.fails = true;
        let under_way = store.under_way.clone();
        let error = opened(store).read_batch(&sites, threads(decoders));
        assert!(matches!(error, Err(DatasetError::Store(_))), "{error:?}");
        assert_eq!(under_way.0.lock().unwrap().now, 0);

        // A chunk that does not decode is found by a thread that fetches nothing.
        let store = made.store();
        change(&store, &shard_key(3), |shard| shard[6] ^= 1);
        let error = opened(Far::new(store, 1)).read_batch(&sites, threads(decoders));
        assert!(
            matches!(error, Err(DatasetError::Chunk { .. })),
            "{error:?}"
        );
    }
}
