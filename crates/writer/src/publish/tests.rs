use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use object_store::memory::InMemory;

use rxrx_format::keys::{CHECKSUMS, ROOT_METADATA, STORE_CHECKSUMS};
use rxrx_format::{SwitchMark, parse_checksums};
use rxrx_reader::Dataset;
use rxrx_storage::{LocalStore, RemoteObject, RemoteStore};
use sha2::{Digest, Sha256};

use super::*;
use crate::events::Silent;
use crate::fixture::{Memory, Objects, dataset};
use crate::tests::verify::sealed;
use rxrx_verify::{StoreReport, verify_by_store};

const TABLE: &str = "metadata.parquet";
const SHARD: &str = "images.zarr/images/c/0/0/0/0";

fn remote() -> Remote {
    Remote::on(Arc::new(InMemory::new()), "out")
}

fn publish(from: &Memory, to: &Remote) -> Result<Published, PublishError> {
    publish_with(from, to, PublishOptions::default())
}

fn publish_with(
    from: &Memory,
    to: &Remote,
    options: PublishOptions,
) -> Result<Published, PublishError> {
    publish_to(from, "here", to, options, &Silent)
}

fn overwriting() -> PublishOptions {
    PublishOptions {
        overwrite: true,
        verify: true,
        ..PublishOptions::default()
    }
}

/// All objects at the address but the checksums of the store; demands that nothing is left
/// but the state, a lease that was released, and emptied run folders.
fn objects(remote: &Remote) -> BTreeMap<String, Bytes> {
    let left = remote.beside(".rxrx2zarr").list().unwrap();
    let expected = ["claims/lease.json", "state.json"];
    let is_expected = |object: &RemoteObject| {
        let is_emptied = object.key.starts_with("run-") && object.size == 0;
        is_emptied || expected.contains(&object.key.as_str())
    };
    assert!(left.iter().all(is_expected), "{left:?}");
    let keys = remote.list().unwrap().into_iter().map(|object| object.key);
    let keys = keys.filter(|key| key != STORE_CHECKSUMS);
    keys.map(|key| (key.clone(), remote.get(&key).unwrap().unwrap()))
        .collect()
}

/// The dataset at the address, without the mark of a switch.
fn published_dataset(remote: &Remote) -> Objects {
    let objects = objects(remote).into_iter();
    let objects = objects.map(|(key, bytes)| (key, bytes.to_vec()));
    dataset(objects.collect()).unwrap()
}

fn original_dataset(store: &Memory) -> Objects {
    let objects = originals(store).into_iter();
    let objects = objects.map(|(key, bytes)| (key, bytes.to_vec()));
    dataset(objects.collect()).unwrap()
}

fn originals(store: &Memory) -> BTreeMap<String, Bytes> {
    let keys = store.keys().into_iter();
    keys.map(|key| (key.clone(), store.get(&key).unwrap().unwrap().into()))
        .collect()
}

/// The same dataset with another root and card, and without croissant.json.
fn another() -> Memory {
    let store = sealed();
    let root = String::from_utf8(store.get(ROOT_METADATA).unwrap().unwrap()).unwrap();
    let root = root.replace("look-alike", "LOOK-ALIKE");
    let card = b"another card";
    let list = store.get(CHECKSUMS).unwrap().unwrap();
    let mut sums = parse_checksums(std::str::from_utf8(&list).unwrap()).unwrap();
    for (key, bytes) in [(ROOT_METADATA, root.as_bytes()), ("README.md", card)] {
        store.remove(key).unwrap();
        store.put(key, &[bytes]).unwrap();
        sums.insert(key.to_owned(), Sha256::digest(bytes).into());
    }
    store.remove("croissant.json").unwrap();
    sums.remove("croissant.json");
    store.remove(CHECKSUMS).unwrap();
    let list = rxrx_format::checksum_list(&sums);
    store.put(CHECKSUMS, &[list.as_bytes()]).unwrap();
    store
}

#[test]
fn every_object_is_uploaded_once() {
    let (from, to) = (sealed(), remote());
    let dry = PublishOptions {
        dry_run: true,
        ..PublishOptions::default()
    };
    let planned = publish_with(&from, &to, dry).unwrap();
    assert_eq!(to.list().unwrap(), []);
    let first = publish(&from, &to).unwrap();
    assert_eq!(objects(&to), originals(&from));
    let count = from.keys().len();
    assert_eq!(
        (first.objects, first.uploaded, first.kept),
        (count, count, 0)
    );
    assert_eq!((planned.uploaded, planned.upload_requests), (count, count));
    assert_eq!(planned.uploaded_bytes, first.bytes);

    let again = publish_with(&from, &to, overwriting()).unwrap();
    assert_eq!((again.uploaded, again.kept), (0, count));
    assert_eq!(again.verified, Some(count));
    assert_eq!(publish_with(&from, &to, dry).unwrap().uploaded, 0);
}

#[test]
fn missing_and_damaged_objects_are_put_again() {
    let (from, to) = (sealed(), remote());
    publish(&from, &to).unwrap();
    to.remove(SHARD).unwrap();
    // As long as it was, by another tool, which says nothing of its content.
    let table = to.get(TABLE).unwrap().unwrap();
    to.put(TABLE, vec![0; table.len()].into()).unwrap();
    // By another tool, and whole.
    let card = to.get("README.md").unwrap().unwrap();
    to.put("README.md", card).unwrap();
    let again = publish(&from, &to).unwrap();
    assert_eq!(objects(&to), originals(&from));
    assert_eq!(again.uploaded, 2, "shard and table");
    assert_eq!(again.kept + again.uploaded, again.objects);
}

/// Compares what the store says of a dataset with what is recorded.
fn by_store(remote: &Remote) -> StoreReport {
    let store = RemoteStore::new(remote.clone(), None);
    let dataset = Dataset::from_store(Box::new(store), "out").unwrap();
    verify_by_store(&dataset).unwrap()
}

#[test]
fn the_checksums_of_the_store_are_recorded_for_each_place() {
    let (from, to, third) = (sealed(), remote(), remote());
    publish(&from, &to).unwrap();
    let whole = by_store(&to);
    // All but the card, which people edit.
    let count = from.keys().len() - 1;
    assert!(whole.is_clean(), "{whole:?}");
    assert_eq!((whole.objects, whole.proven), (count, count));
    // The tags of the store in memory are numbers.
    let kinds = [("etag", count - 1), ("read", 1)].map(|(kind, n)| (kind.to_owned(), n));
    assert_eq!(whole.kinds, BTreeMap::from(kinds));

    let record = to.get(STORE_CHECKSUMS).unwrap().unwrap();
    let store = RemoteStore::new(to.clone(), None);
    third.put("before", "changes the tags".into()).unwrap();
    third.remove("before").unwrap();
    publish_to(&store, "out", &third, PublishOptions::default(), &Silent).unwrap();
    assert_eq!(objects(&third), originals(&from));
    assert_ne!(third.get(STORE_CHECKSUMS).unwrap().unwrap(), record);
    assert!(by_store(&third).is_clean());
    assert!(crate::tests::verify::is_clean(&store));
}

#[test]
fn what_is_done_behind_our_back_is_found_without_reading() {
    let (from, to) = (sealed(), remote());
    publish(&from, &to).unwrap();
    let shard = to.get(SHARD).unwrap().unwrap();
    to.put(SHARD, vec![0; shard.len()].into()).unwrap();
    to.remove(TABLE).unwrap();
    to.put("images.zarr/more", "1".into()).unwrap();
    let found = by_store(&to);
    assert_eq!(found.changed.examples.keys().collect::<Vec<_>>(), [SHARD]);
    assert_eq!(found.missing.examples, [TABLE]);
    assert_eq!(found.extra.unwrap().examples, ["images.zarr/more"]);
    assert_eq!(found.without_proof.count, 0);

    to.remove("images.zarr/more").unwrap();
    publish(&from, &to).unwrap();
    assert!(by_store(&to).is_clean(), "the record was made anew");
    let record = String::from_utf8(to.get(STORE_CHECKSUMS).unwrap().unwrap().into()).unwrap();
    let line = record.lines().find(|line| line.contains(SHARD)).unwrap();
    let record = record.replace(&format!("{line}\n"), "");
    to.put(STORE_CHECKSUMS, record.into()).unwrap();
    let found = by_store(&to);
    assert!(!found.is_clean() && found.recorded);
    assert_eq!(found.without_proof.examples, [SHARD]);
    assert_eq!(found.changed.count + found.missing.count, 0);

    to.put(STORE_CHECKSUMS, "{".into()).unwrap();
    let found = by_store(&to);
    assert_eq!(
        found.changed.examples.keys().collect::<Vec<_>>(),
        [STORE_CHECKSUMS]
    );
    to.remove(STORE_CHECKSUMS).unwrap();
    let found = by_store(&to);
    assert!(!found.is_clean() && !found.recorded);
    assert_eq!(found.without_proof.count, found.objects - 1);
    publish(&from, &to).unwrap();
    assert!(by_store(&to).is_clean(), "it was missing");

    let root = to.get(ROOT_METADATA).unwrap().unwrap();
    let root = [&root[..], b" "].concat();
    to.put(ROOT_METADATA, root.into()).unwrap();
    let found = by_store(&to).changed.examples;
    assert_eq!(found.keys().collect::<Vec<_>>(), [ROOT_METADATA]);
}

#[test]
fn another_dataset_is_replaced_only_with_overwrite() {
    let (from, to) = (sealed(), remote());
    publish(&from, &to).unwrap();
    let other = another();
    let error = publish(&other, &to).unwrap_err();
    assert!(matches!(error, PublishError::Occupied { .. }), "{error}");
    assert_eq!(objects(&to), originals(&from));
    let replaced = publish_with(&other, &to, overwriting()).unwrap();
    assert_eq!(published_dataset(&to), original_dataset(&other));
    // Card, list of checksums and all metadata are put, and croissant.json is left.
    let is_metadata = |key: &String| key.ends_with("zarr.json");
    let metadata = other.keys().into_iter().filter(is_metadata).count();
    assert_eq!((replaced.uploaded, replaced.left_behind), (2 + metadata, 1));
    let root = to.get(ROOT_METADATA).unwrap().unwrap();
    let mark = |root: &Bytes| SwitchMark::of_metadata(&serde_json::from_slice(root).unwrap());
    assert!(mark(&root).is_some());

    // It is the same dataset, mark or not, and is mended without a switch.
    let again = publish(&other, &to).unwrap();
    assert_eq!((again.uploaded, again.kept), (0, again.objects));
    to.remove(TABLE).unwrap();
    let again = publish(&other, &to).unwrap();
    assert_eq!(again.uploaded, 1);
    assert_eq!(to.get(ROOT_METADATA).unwrap().unwrap(), root);
    // The same dataset once more has another mark, so another ETag.
    publish_with(&from, &to, overwriting()).unwrap();
    publish_with(&other, &to, overwriting()).unwrap();
    let again = to.get(ROOT_METADATA).unwrap().unwrap();
    assert_ne!(mark(&again), mark(&root));
    assert_eq!(published_dataset(&to), original_dataset(&other));
}

#[test]
fn unfinished_work_is_replaced_only_with_overwrite() {
    let (from, to) = (sealed(), remote());
    let work = to.beside(".rxrx2zarr");
    work.put("state.json", "torn".into()).unwrap();
    to.put(SHARD, "part of another dataset".into()).unwrap();
    let error = publish(&from, &to).unwrap_err().to_string();
    assert!(error.contains("unfinished work of a conversion"), "{error}");
    to.remove(SHARD).unwrap();
    publish_with(&from, &to, overwriting()).unwrap();
    assert_eq!(published_dataset(&to), original_dataset(&from));
}

#[test]
fn foreign_files_are_never_touched() {
    let from = sealed();
    let to = remote();
    to.put("notes.pdf", "text of a user".into()).unwrap();
    let error = publish_with(&from, &to, overwriting()).unwrap_err();
    assert!(error.to_string().contains("out/notes.pdf"), "{error}");
    let to = remote();
    to.put(ROOT_METADATA, r#"{"zarr_format": 3}"#.into())
        .unwrap();
    let error = publish_with(&from, &to, overwriting()).unwrap_err();
    assert!(matches!(error, PublishError::Output(_)), "{error}");
    assert_eq!(objects(&to).len(), 1);
}

#[test]
fn what_a_user_put_into_a_published_dataset_stays() {
    let (from, to) = (sealed(), remote());
    publish(&from, &to).unwrap();
    let mask = "images.zarr/my_masks/c/0";
    to.put(mask, "work of a user".into()).unwrap();
    let root = to.head(ROOT_METADATA).unwrap();
    let again = publish(&from, &to).unwrap();
    assert_eq!((again.uploaded, again.left_behind), (0, 0));
    assert_eq!(
        to.head(ROOT_METADATA).unwrap(),
        root,
        "it was not taken away"
    );
    let replaced = publish_with(&another(), &to, overwriting()).unwrap();
    assert_eq!(replaced.left_behind, 1);
    assert_eq!(published_dataset(&to), original_dataset(&another()));
    assert_eq!(objects(&to).get(mask), Some(&"work of a user".into()));
}

#[test]
fn a_damaged_dataset_is_not_published() {
    for key in [SHARD, TABLE, ROOT_METADATA, CHECKSUMS] {
        let (from, to) = (sealed(), remote());
        let mut bytes = from.get(key).unwrap().unwrap();
        let last = bytes.len() - 3;
        bytes[last] ^= 1;
        from.remove(key).unwrap();
        let error = publish(&from, &to).unwrap_err().to_string();
        assert!(error.contains(key), "{error}");
        from.put(key, &[&bytes]).unwrap();
        publish(&from, &to).unwrap_err();
        // Objects are put before the damaged one is read, and never the root.
        assert!(!objects(&to).contains_key(ROOT_METADATA));
    }
    let (from, to) = (sealed(), remote());
    from.put("images.zarr/more", &[b"1"]).unwrap();
    let error = publish(&from, &to).unwrap_err().to_string();
    assert!(
        error.contains("images.zarr/more is not in SHA256SUMS"),
        "{error}"
    );
}

#[test]
fn a_locked_address_is_refused() {
    let (from, to) = (sealed(), remote());
    let place = OutputLocation::in_store(to.clone()).unwrap();
    let lock = LockedOutput::take(&place, &crate::Silent).unwrap();
    let error = publish(&from, &to).unwrap_err().to_string();
    assert!(error.contains("is being written by process"), "{error}");
    drop(lock);
    publish(&from, &to).unwrap();
}

#[test]
fn a_dataset_of_format_3_is_published() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/data/format-3");
    let from = LocalStore::new(folder, folder);
    let to = remote();
    publish_to(&from, "format-3", &to, overwriting(), &Silent).unwrap();
    let keys = from.list().unwrap().into_iter().map(|object| object.key);
    let originals: BTreeMap<String, Bytes> = keys
        .map(|key| (key.clone(), from.get(&key).unwrap().unwrap().into()))
        .collect();
    assert_eq!(objects(&to), originals);
}
