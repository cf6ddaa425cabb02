//! The summary of a dataset, and the program that wrote it.

use rxrx_format::keys::{CHECKSUMS, PLANES, ROOT_METADATA, SITES, shard_key};
use rxrx_storage::Store;
use rxrx_storage::testing::Memory;
use serde_json::{Value, json};

use super::fixture::{change, format_3, opened};
use crate::dataset::Dataset;
use crate::error::DatasetError;
use crate::objects::AskedShards;
use crate::root::{Owner, read_root};

fn store(root: &str) -> Memory {
    let store = Memory::new();
    store.put(ROOT_METADATA, &[root.as_bytes()]).unwrap();
    store
}

#[test]
fn a_dataset_of_format_3_is_summarised() {
    let store = format_3();
    let objects = store.list().unwrap().len();
    let info = opened(store).info(AskedShards::Sample).unwrap();
    assert_eq!(info.shape, [8, 3, 20, 24]);
    assert_eq!(info.chunk_shape, [3, 2, 20, 24]);
    assert_eq!(info.shard_shape, [6, 4, 20, 24]);
    assert_eq!(info.dimensions, ["site", "channel", "y", "x"]);
    assert_eq!(info.data_type, "uint16");
    assert_eq!((info.tables.len(), info.labels.len()), (4, 16));
    assert_eq!(info.objects, objects);
    assert_eq!(info.raw_bytes, 8 * 3 * 20 * 24 * 2);
    assert!(info.image_bytes < info.bytes);
    assert!(info.gaps.is_whole(), "{:?}", info.gaps);
}

#[test]
fn what_a_copy_lost_is_told() {
    let gaps = |harm: &dyn Fn(&Memory)| {
        let store = format_3();
        harm(&store);
        let gaps = opened(store).info(AskedShards::Sample).unwrap().gaps;
        (
            gaps.missing_objects.examples.clone(),
            gaps.resized_shards.examples.clone(),
            gaps.is_whole(),
        )
    };
    let shard = shard_key(1);
    let keys = |keys: &[&str]| keys.iter().map(|&key| key.to_owned()).collect::<Vec<_>>();
    let removed = gaps(&|store| store.remove(&shard).unwrap());
    assert_eq!(removed, (keys(&[&shard]), keys(&[]), false));
    for harm in [
        |shard: &mut Vec<u8>| {
            shard.pop();
        },
        |shard: &mut Vec<u8>| shard.push(0),
    ] {
        let resized = gaps(&|store| change(store, &shard, harm));
        assert_eq!(resized, (keys(&[]), keys(&[&shard]), false));
    }
    for key in [SITES, PLANES, CHECKSUMS, "images.zarr/well/c/0"] {
        let removed = gaps(&|store| store.remove(key).unwrap());
        assert_eq!(removed, (keys(&[key]), keys(&[]), false));
    }
    let added = gaps(&|store| store.put("notes.txt", &[b"mine"]).unwrap());
    assert_eq!(added, (keys(&[]), keys(&[]), true));
}

#[test]
fn without_a_root_it_is_not_sealed() {
    let store = Memory::new();
    store.put("images.zarr/images/zarr.json", &[b"{}"]).unwrap();
    let error = read_root(&store, "out").unwrap_err();
    assert!(matches!(error, DatasetError::NotSealed { .. }), "{error}");
    let text = error.to_string();
    assert!(text.starts_with("out is not a complete dataset"), "{text}");
    assert_eq!(Owner::of(&store).unwrap(), Owner::Nobody);
    let opened = Dataset::from_store(Box::new(store), "out").unwrap_err();
    assert_eq!(opened.to_string(), text);
}

#[test]
fn a_group_of_another_program_is_foreign() {
    let group = r#"{"zarr_format": 3, "node_type": "group"}"#;
    for (root, owner) in [
        ("", Owner::Unreadable),
        ("[]", Owner::Other),
        (group, Owner::Other),
    ] {
        let store = store(root);
        let error = read_root(&store, "out").unwrap_err();
        assert!(matches!(error, DatasetError::Foreign { .. }), "{error}");
        assert_eq!(Owner::of(&store).unwrap(), owner);
    }
}

#[test]
fn another_version_of_the_program_is_the_same_owner() {
    let owner = |generator: &str| {
        let root = json!({"attributes": {"generator": generator}});
        Owner::of(&store(&root.to_string())).unwrap()
    };
    assert_eq!(owner("rxrx2zarr 0.0.1"), Owner::Us);
    assert_eq!(owner("rxrx2zarr 99.0"), Owner::Us);
    assert_eq!(owner("rxrx2zarr2 1.0"), Owner::Other);
    assert_eq!(owner("zarr-python"), Owner::Other);
}

#[test]
fn an_unknown_format_is_refused_with_advice() {
    for (format, advice) in [(2, "use an older version"), (99, "use a newer version")] {
        let store = format_3();
        change(&store, ROOT_METADATA, |root| {
            let mut json: Value = serde_json::from_slice(root).unwrap();
            json["attributes"]["format"] = format.into();
            *root = json.to_string().into_bytes();
        });
        let error = read_root(&store, "out").unwrap_err();
        assert!(matches!(error, DatasetError::Version { .. }), "{error}");
        assert!(error.to_string().ends_with(advice), "{error}");
    }
}

#[test]
fn an_array_beyond_counting_is_foreign() {
    let store = format_3();
    change(&store, ROOT_METADATA, |root| {
        let mut json: Value = serde_json::from_slice(root).unwrap();
        json["consolidated_metadata"]["metadata"]["images"]["shape"] = json!([u64::MAX, 3, 20, 24]);
        *root = json.to_string().into_bytes();
    });
    let error = read_root(&store, "out").unwrap_err();
    assert!(matches!(error, DatasetError::Foreign { .. }), "{error}");
}
