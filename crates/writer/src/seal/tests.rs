use super::*;
use crate::fixture::{Images, Memory, plan, run_units, seal, shards_of};
use crate::journal::{Journal, JournalError};
use rxrx_storage::Store;

const SITES: usize = 3;

/// Converts three sites of two channels into `store`.
fn converted(store: &Memory) -> Result<(), SealError> {
    converted_while(store, |_, _| ())
}

/// Converts, and calls `meanwhile` with both stores before the seal.
fn converted_while(store: &Memory, meanwhile: impl Fn(&Memory, &Memory)) -> Result<(), SealError> {
    let plan = plan(SITES, 2, shards_of(2));
    let output = ChecksummedStore::new(store);
    let work = Memory::new();
    let records = run_units(&plan, &Images::of(SITES, 2), &output, &work);
    let units: Vec<StoredUnit> = records.iter().map(StoredUnit::from).collect();
    meanwhile(store, &work);
    seal(&plan, &units, &output, &work)
}

#[test]
fn the_root_metadata_is_put_last_and_once() {
    let store = Memory::new();
    converted(&store).unwrap();
    let keys = store.keys();
    let (root, before) = keys.split_last().unwrap();
    assert_eq!(root, ROOT_METADATA);
    assert_eq!(before.last().unwrap(), "SHA256SUMS");
    let mut distinct = keys.clone();
    distinct.sort();
    distinct.dedup();
    assert_eq!(distinct.len(), keys.len(), "no object is put twice");
    // A group can be opened array by array: metadata come after their chunks.
    let first_metadata = keys.iter().position(|key| key.ends_with("zarr.json"));
    let last_chunk = keys.iter().rposition(|key| key.contains("/c/"));
    assert!(last_chunk < first_metadata);
}

#[test]
fn a_failure_of_the_store_leaves_no_root() {
    let whole = Memory::new();
    converted(&whole).unwrap();
    let all = whole.keys().len();
    // The first four objects are the shards and the overviews.
    for room_for in 4..all {
        let store = Memory::with_room_for(room_for);
        let error = converted(&store).unwrap_err();
        assert!(matches!(error, SealError::Store(_)), "{error}");
        assert!(!store.keys().iter().any(|key| key == ROOT_METADATA));
    }
}

#[test]
fn a_lost_shard_prevents_the_seal() {
    let key = "images.zarr/images/c/1/0/0/0";
    let removed = Memory::new();
    let error = converted_while(&removed, |store, _| store.remove(key).unwrap()).unwrap_err();
    assert!(error.to_string().contains("is gone"), "{error}");
    assert!(!removed.keys().iter().any(|key| key == ROOT_METADATA));

    let torn = Memory::new();
    let tear = |store: &Memory, _: &Memory| store.put(key, &[b"torn"]).unwrap();
    let error = converted_while(&torn, tear).unwrap_err();
    assert!(
        matches!(&error, SealError::Lost(lost) if lost.key == key && lost.found == Some(4)),
        "{error}"
    );
}

#[test]
fn an_unreadable_record_prevents_the_seal() {
    let key = "units/1.json";
    let gone = |_: &Memory, work: &Memory| work.remove(key).unwrap();
    let torn = |_: &Memory, work: &Memory| work.put(key, &[b"torn"]).unwrap();
    let other = |_: &Memory, work: &Memory| {
        let mut record = Journal::new(work).records().unwrap().whole.remove(1);
        record.sha256[0] ^= 1;
        Journal::new(work).record(&record).unwrap();
    };
    type Change<'a> = (&'a dyn Fn(&Memory, &Memory), &'a str);
    let changes: [Change<'_>; 3] = [(&gone, "gone"), (&torn, "not whole"), (&other, "another")];
    for (meanwhile, reason) in changes {
        let store = Memory::new();
        let error = converted_while(&store, meanwhile).unwrap_err();
        assert!(
            matches!(&error, SealError::Journal(JournalError::Lost { object, .. }) if object == key),
            "{error}"
        );
        let text = error.to_string();
        assert!(
            text.contains(reason) && text.contains("same command"),
            "{text}"
        );
        // The shards and the overviews were there before.
        assert_eq!(store.keys().len(), 4);
    }
}
