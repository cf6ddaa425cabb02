//! A dataset that is replaced while it is open: old pixels or an error, never a mixture.

use std::path::Path;

use rxrx_format::DataType;
use rxrx_format::keys::{ROOT_METADATA, SITES, shard_key};
use rxrx_storage::testing::Memory;
use rxrx_storage::{LocalStore, Store};

use super::fixture::Shape;
use crate::dataset::Dataset;
use crate::error::{DatasetError, DatasetErrorKind};

const SHAPE: Shape = Shape {
    sites: 4,
    channels: 1,
    chunk_sites: 1,
    chunk_channels: 1,
    shard_sites: 2,
    tile: None,
    data_type: DataType::UInt8,
};

/// The objects of a dataset of two shards and of another one with other pixels, in the order
/// in which a switch replaces them, and the bytes that replace them.
fn steps() -> Vec<(String, Vec<u8>)> {
    let before = SHAPE.store();
    let object = |key: &str| before.get(key).unwrap().unwrap();
    let mut steps = vec![(ROOT_METADATA.to_owned(), b"{\"switch\": {}}".to_vec())];
    for shard in [0, 1] {
        let key = shard_key(shard);
        // The shards change places: each is whole, and has other pixels.
        steps.push((key, object(&shard_key(1 - shard))));
    }
    steps.push((SITES.to_owned(), object(SITES)));
    let mut root = object(ROOT_METADATA);
    root.push(b' ');
    steps.push((ROOT_METADATA.to_owned(), root));
    steps
}

fn write_dataset(folder: &Path) {
    let (from, to) = (SHAPE.store(), LocalStore::new(folder, folder));
    for object in from.list().unwrap() {
        let bytes = from.get(&object.key).unwrap().unwrap();
        to.put(&object.key, &[&bytes]).unwrap();
    }
}

/// Reads all sites. Demands old pixels or the error of a replaced dataset, and returns the
/// number of errors.
fn read_all(dataset: &Dataset) -> usize {
    let mut errors = 0;
    for site in 0..SHAPE.sites {
        match dataset.read_site(site) {
            Ok(read) => assert_eq!(read.bytes(), SHAPE.site(site), "site {site}"),
            Err(error) => {
                assert!(matches!(error, DatasetError::Replaced { .. }), "{error}");
                assert_eq!(error.error_kind(), DatasetErrorKind::Replaced);
                errors += 1;
            }
        }
    }
    errors
}

/// `read_before` sites are read before the switch begins.
fn read_at_each_step(put: &dyn Fn(&str, &[u8]), open: &dyn Fn() -> Dataset, read_before: usize) {
    let dataset = open();
    for site in 0..read_before {
        dataset.read_site(site).unwrap();
    }
    let errors = steps().into_iter().map(|(key, bytes)| {
        put(&key, &bytes);
        read_all(&dataset)
    });
    let errors: Vec<usize> = errors.collect();
    assert_eq!(errors.last(), Some(&SHAPE.sites), "{errors:?}");
}

#[test]
fn a_dataset_on_a_disk_that_is_replaced_gives_old_pixels_or_an_error() {
    for read_before in [0, 1, 4] {
        let folder = tempfile::tempdir().unwrap();
        write_dataset(folder.path());
        let store = LocalStore::new(folder.path(), folder.path());
        let put = |key: &str, bytes: &[u8]| store.put(key, &[bytes]).unwrap();
        let open = || {
            let store = LocalStore::read_only(folder.path());
            Dataset::from_store(Box::new(store), "made").unwrap()
        };
        read_at_each_step(&put, &open, read_before);
    }
}

#[test]
fn a_dataset_in_a_store_that_is_replaced_gives_old_pixels_or_an_error() {
    use std::sync::Arc;
    struct Shared(Arc<Memory>);
    impl Store for Shared {
        fn put(&self, key: &str, parts: &[&[u8]]) -> Result<(), rxrx_storage::StoreError> {
            self.0.put(key, parts)
        }
        fn get(&self, key: &str) -> Result<Option<Vec<u8>>, rxrx_storage::StoreError> {
            self.0.get(key)
        }
        fn remove(&self, key: &str) -> Result<(), rxrx_storage::StoreError> {
            self.0.remove(key)
        }
        fn list(&self) -> Result<Vec<rxrx_storage::StoredObject>, rxrx_storage::StoreError> {
            self.0.list()
        }
    }
    for read_before in [0, 1, 4] {
        let memory = Arc::new(SHAPE.store());
        let put = |key: &str, bytes: &[u8]| memory.put(key, &[bytes]).unwrap();
        let open = || {
            let store = Shared(Arc::clone(&memory));
            Dataset::from_store(Box::new(store), "made").unwrap()
        };
        read_at_each_step(&put, &open, read_before);
    }
}
