use std::num::NonZeroUsize;

use crate::events::{Event, Observer, Silent};
use crate::fixture::{Images, Memory, plan, run_units, seal, shards_of};
use crate::journal::StoredUnit;
use crate::output::ChecksummedStore;
use crate::verify::verify;
use rxrx_format::keys::{CARD, ROOT_METADATA, SHARDS};
use rxrx_reader::DatasetError;
use rxrx_storage::Store;
use rxrx_verify::MemoryLimit;
use rxrx_verify::{VerifyError, VerifyOptions, VerifyReport};

/// Three sites of two channels in two shards, sealed.
pub(crate) fn sealed() -> Memory {
    let store = Memory::new();
    let plan = plan(3, 2, shards_of(2));
    let output = ChecksummedStore::new(&store);
    let work = Memory::new();
    let records = run_units(&plan, &Images::of(3, 2), &output, &work);
    let units: Vec<StoredUnit> = records.iter().map(StoredUnit::from).collect();
    seal(&plan, &units, &output, &work).unwrap();
    store
}

/// Whether all that `store` holds is as recorded.
pub(crate) fn is_clean(store: &dyn Store) -> bool {
    let options = VerifyOptions {
        jobs: NonZeroUsize::MIN,
        memory: MemoryLimit::default(),
        independent: false,
    };
    verify(store, "a dataset", None, &options, &Silent)
        .unwrap()
        .is_clean()
}

fn verified(store: &Memory) -> Result<VerifyReport, VerifyError> {
    let options = VerifyOptions {
        jobs: NonZeroUsize::new(3).unwrap(),
        memory: MemoryLimit::default(),
        independent: false,
    };
    verify(store, "out", None, &options, &Silent)
}

fn remove(store: &Memory, key: &str) {
    let mut objects = store.objects.lock().unwrap();
    objects.retain(|(known, _)| known != key);
}

/// The objects that are not as recorded.
fn objects_with_findings(store: &Memory) -> Vec<String> {
    verified(store).unwrap().by_object.into_keys().collect()
}

#[test]
fn a_sealed_dataset_has_no_findings() {
    let store = sealed();
    let report = verified(&store).unwrap();
    assert!(report.is_clean(), "{report:#?}");
    assert_eq!((report.sites, report.planes), (3, 6));
    assert_eq!(report.objects, store.keys().len());
    // One chunk of each of two shards.
    assert_eq!(report.decoded_twice, 2);
}

#[test]
fn a_second_decoder_decodes_every_chunk_if_asked() {
    let options = VerifyOptions {
        jobs: NonZeroUsize::MIN,
        memory: MemoryLimit::default(),
        independent: true,
    };
    let report = verify(&sealed(), "out", None, &options, &Silent).unwrap();
    assert!(report.is_clean(), "{report:#?}");
    assert_eq!(report.decoded_twice, 3);
}

#[test]
fn a_dataset_without_a_root_is_an_error() {
    let store = sealed();
    remove(&store, ROOT_METADATA);
    let error = verified(&store).unwrap_err();
    let not_sealed = VerifyError::Dataset(DatasetError::NotSealed {
        dataset: "out".to_owned(),
    });
    assert_eq!(error.to_string(), not_sealed.to_string());
    // With neither root nor list it is somebody else's.
    let store = Memory::new();
    store.put(ROOT_METADATA, &[b"{}"]).unwrap();
    let error = verified(&store).unwrap_err();
    assert!(
        matches!(error, VerifyError::Dataset(DatasetError::Foreign { .. })),
        "{error}"
    );
}

#[test]
fn each_missing_or_damaged_object_is_reported() {
    let whole = sealed();
    for key in whole.keys() {
        let bytes = whole.get(&key).unwrap().unwrap();
        if key == CARD {
            whole.put(&key, &[b"# Mine\n"]).unwrap();
            let report = verified(&whole).unwrap();
            assert!(report.is_clean() && report.card_edited, "{report:?}");
            remove(&whole, &key);
            assert_eq!(objects_with_findings(&whole), [CARD]);
            whole.put(&key, &[&bytes]).unwrap();
            assert!(!verified(&whole).unwrap().card_edited);
            continue;
        }
        if key != ROOT_METADATA {
            remove(&whole, &key);
            assert_eq!(objects_with_findings(&whole), [key.as_str()]);
        }
        for place in [0, bytes.len() / 2, bytes.len() - 1] {
            let mut damaged = bytes.clone();
            damaged[place] ^= 0x10;
            remove(&whole, &key);
            whole.put(&key, &[&damaged]).unwrap();
            assert_eq!(
                objects_with_findings(&whole),
                [key.as_str()],
                "byte {place}"
            );
        }
        remove(&whole, &key);
        whole.put(&key, &[&bytes]).unwrap();
    }
    assert!(verified(&whole).unwrap().is_clean());
}

#[test]
fn every_chunk_and_site_is_an_event() {
    #[derive(Default)]
    struct Recorder(std::sync::Mutex<(usize, u64, usize)>);
    impl Observer for Recorder {
        fn notice(&self, event: Event<'_>) {
            let mut recorder = self.0.lock().unwrap();
            match event {
                Event::Started { sites, .. } => recorder.2 = sites,
                Event::ChunkVerified {
                    sites,
                    stored_bytes,
                } => {
                    recorder.0 += sites;
                    recorder.1 += stored_bytes;
                }
                _ => {}
            }
        }
    }
    let store = sealed();
    let recorder = Recorder::default();
    let options = VerifyOptions {
        jobs: NonZeroUsize::MIN,
        memory: MemoryLimit::default(),
        independent: false,
    };
    verify(&store, "out", None, &options, &recorder).unwrap();
    let (sites, bytes, told) = *recorder.0.lock().unwrap();
    assert_eq!((sites, told), (3, 3));
    let shards: u64 = store
        .list()
        .unwrap()
        .iter()
        .filter(|object| object.key.starts_with(SHARDS))
        .map(|object| object.size)
        .sum();
    // Two shards of two chunks, each with an index of 16 bytes a chunk and 4.
    assert_eq!(bytes, shards - 2 * (2 * 16 + 4));
}
