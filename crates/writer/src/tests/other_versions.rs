//! Tests with datasets and runs of other versions of the program.

use std::fs;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use rxrx_format::keys::{CHECKSUMS, ROOT_METADATA};
use rxrx_format::{Description, ENCODER_REVISION, GENERATOR};
use rxrx_input::{PlanOptions, PlannedInput};
use rxrx_reader::read_root;
use rxrx_storage::{LocalStore, Location, Store};

use crate::convert::{ConvertError, ConvertOptions, Converted, convert};
use crate::events::Silent;
use crate::fixture::{SIDE, image_path, png};
use crate::inspect::MadeWith;
use crate::journal::Run;
use crate::output::{Existing, LockedOutput, OutputError, OutputLocation, OutputState, Plan};
use crate::verify::verify;
use rxrx_verify::{MemoryLimit, VerifyOptions};

/// An input of two sites with two channels, and an output beside it.
struct TestDirs {
    folder: tempfile::TempDir,
}

impl TestDirs {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let input = folder.path().join("in");
        for plane in 0..4 {
            let path = input.join(image_path(plane / 2, plane % 2));
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, png(SIDE, SIDE, plane as u8)).unwrap();
        }
        let table = "experiment,plate,well,site\nE-1,1,B02,1\nE-1,2,B02,1\n";
        fs::write(input.join("metadata.csv"), table).unwrap();
        Self { folder }
    }

    fn output(&self) -> PathBuf {
        self.folder.path().join("out")
    }

    fn store(&self) -> LocalStore {
        store_at(&self.output())
    }

    fn convert(&self, existing: Existing) -> Result<Converted, ConvertError> {
        let input = Location::from(self.folder.path().join("in").as_path());
        let planned = PlannedInput::open(&input, PlanOptions::default()).unwrap();
        let options = ConvertOptions::default()
            .description(Description::look_alike())
            .existing(existing);
        convert(&planned, &self.output().as_path().into(), &options, &Silent)
    }

    /// Replaces a text in the root of the dataset.
    fn change_root(&self, from: &str, to: &str) {
        let root = self.store().get(ROOT_METADATA).unwrap().unwrap();
        let root = String::from_utf8(root).unwrap();
        assert!(root.contains(from), "{root}");
        let root = root.replace(from, to);
        self.store().put(ROOT_METADATA, &[root.as_bytes()]).unwrap();
    }
}

fn store_at(folder: &Path) -> LocalStore {
    LocalStore::new(folder, folder)
}

/// The kept dataset of format 3.
fn format_3() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/data/format-3")
}

fn differences(error: ConvertError) -> Vec<String> {
    match error {
        ConvertError::Output(OutputError::Different { differences, .. }) => differences,
        error => panic!("{error}"),
    }
}

#[test]
fn a_dataset_of_another_version_with_the_same_encoder_is_complete() {
    let dirs = TestDirs::new();
    dirs.convert(Existing::Continue).unwrap();
    dirs.change_root(GENERATOR, "rxrx2zarr 9.9.9");
    for existing in [Existing::Continue, Existing::RetryBad] {
        let converted = dirs.convert(existing).unwrap();
        assert_eq!(converted.sites_before, converted.sites);
    }
}

#[test]
fn a_dataset_of_another_encoder_is_refused_by_its_revision() {
    let dirs = TestDirs::new();
    dirs.convert(Existing::Continue).unwrap();
    let revision = |number| format!("\"encoder_revision\": {number}");
    dirs.change_root(&revision(ENCODER_REVISION), &revision(77));
    for existing in [Existing::Continue, Existing::RetryBad] {
        let differences = differences(dirs.convert(existing).unwrap_err());
        let expected = format!("encoder_revision was 77 and is {ENCODER_REVISION}");
        assert_eq!(differences, [expected]);
    }
    dirs.convert(Existing::Replace).unwrap();
}

/// The description of a run has no version of the program; a run of another version
/// differs by the documents that it may have written already.
#[test]
fn an_unfinished_run_of_another_version_with_the_same_encoder_continues() {
    let dirs = TestDirs::new();
    let stop = Arc::new(AtomicBool::new(true));
    let input = Location::from(dirs.folder.path().join("in").as_path());
    let planned = PlannedInput::open(&input, PlanOptions::default()).unwrap();
    let options = ConvertOptions::default()
        .description(Description::look_alike())
        .stop(stop);
    let output = Location::from(dirs.output().as_path());
    let error = convert(&planned, &output, &options, &Silent).unwrap_err();
    assert!(matches!(error, ConvertError::Interrupted { .. }), "{error}");
    let place = OutputLocation::new(dirs.output().as_path()).unwrap();
    let OutputState::Unfinished(run) = place.state().unwrap() else {
        panic!("there is no unfinished run");
    };
    let begin = |run: &Run| {
        let lock = LockedOutput::take(&place, &Silent).unwrap();
        lock.begin(Plan::Convert(Box::new(run.clone()))).unwrap();
    };
    let text = serde_json::to_string(&run).unwrap();
    assert!(!text.contains(GENERATOR), "{text}");
    dirs.store()
        .put("README.md", &[b"generator: rxrx2zarr 9.9.9"])
        .unwrap();

    let mut other = (*run).clone();
    other.fingerprint.encoder_revision = Some(77);
    begin(&other);
    let differences = differences(dirs.convert(Existing::Continue).unwrap_err());
    assert_eq!(differences.len(), 1, "{differences:?}");
    begin(&run);
    dirs.convert(Existing::Continue).unwrap();
    let card = dirs.store().get("README.md").unwrap().unwrap();
    assert!(!String::from_utf8(card).unwrap().contains("9.9.9"));
}

#[test]
fn a_dataset_of_format_3_is_read_and_verified() {
    let store = store_at(&format_3());
    let root = read_root(&store, "format-3").unwrap();
    assert_eq!(root.attributes.format_version, 3);
    let options = VerifyOptions {
        jobs: NonZeroUsize::MIN,
        memory: MemoryLimit::default(),
        independent: false,
    };
    let report = verify(&store, "format-3", None, &options, &Silent).unwrap();
    assert!(report.is_clean(), "{report:#?}");
    let error = MadeWith::at(&format_3().as_path().into()).unwrap_err();
    let text = error.to_string();
    assert!(text.contains("it has format 3"), "{text}");
}

#[test]
fn a_dataset_of_format_3_is_refused_by_what_writes() {
    let dirs = TestDirs::new();
    // A copy, because a conversion locks its output.
    let copy = dirs.store();
    let original = store_at(&format_3());
    for object in original.list().unwrap() {
        let bytes = original.get(&object.key).unwrap().unwrap();
        copy.put(&object.key, &[&bytes]).unwrap();
    }
    for existing in [Existing::Continue, Existing::RetryBad] {
        let error = dirs.convert(existing).unwrap_err();
        let text = error.to_string();
        assert!(text.contains("complete dataset"), "{text}");
        assert_eq!(
            differences(error),
            ["it has format 3, and this version of rxrx2zarr writes format 4"]
        );
    }
    for object in original.list().unwrap() {
        let bytes = original.get(&object.key).unwrap();
        assert!(copy.get(&object.key).unwrap() == bytes, "{}", object.key);
    }
    assert!(copy.get(CHECKSUMS).unwrap().is_some());
}
