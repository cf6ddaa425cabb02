use super::*;
use crate::fixture::Memory;

fn store(root: &str) -> Memory {
    let store = Memory::new();
    store.put(ROOT_METADATA, &[root.as_bytes()]).unwrap();
    store
}

#[test]
fn without_a_root_it_is_not_sealed() {
    let store = Memory::new();
    store.put("images.zarr/images/zarr.json", &[b"{}"]).unwrap();
    let error = DatasetInfo::read(&store, "out").unwrap_err();
    assert!(matches!(error, InfoError::NotSealed { .. }), "{error}");
    assert!(
        error
            .to_string()
            .starts_with("out is not a complete dataset")
    );
    assert!(DatasetInfo::owner(&store).unwrap() != Owner::Us);
}

#[test]
fn somebody_elses_group_is_foreign() {
    for root in ["", "[]", r#"{"zarr_format": 3, "node_type": "group"}"#] {
        let store = store(root);
        let error = DatasetInfo::read(&store, "out").unwrap_err();
        assert!(matches!(error, InfoError::Foreign { .. }), "{error}");
        assert!(DatasetInfo::owner(&store).unwrap() != Owner::Us);
    }
}

#[test]
fn a_dataset_of_another_version_is_still_ours() {
    let ours = |generator: &str| {
        let root = format!(r#"{{"attributes": {{"generator": "{generator}"}}}}"#);
        DatasetInfo::owner(&store(&root)).unwrap() == Owner::Us
    };
    assert!(ours("rxrx2zarr 0.0.1") && ours("rxrx2zarr 99.0"));
    assert!(!ours("rxrx2zarr2 1.0") && !ours("zarr-python"));
}

#[test]
fn an_array_beyond_counting_is_described_all_the_same() {
    let store = crate::verify::tests::sealed();
    let root = store.get(ROOT_METADATA).unwrap().unwrap();
    let mut root: Value = serde_json::from_slice(&root).unwrap();
    root["consolidated_metadata"]["metadata"]["images"]["shape"] =
        serde_json::json!([u64::MAX, 2, 512, 512]);
    store
        .put(ROOT_METADATA, &[root.to_string().as_bytes()])
        .unwrap();
    assert_eq!(
        DatasetInfo::read(&store, "out").unwrap().raw_bytes,
        u64::MAX
    );
}
