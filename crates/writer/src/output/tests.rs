use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rxrx_format::Description;
use rxrx_format::keys::ROOT_METADATA;
use rxrx_storage::{Location, LockError};

use super::*;

const LOCK: &str = "lock";
use crate::fixture::{plan, settings, shards_of};
use crate::journal::{Fingerprint, Run};

struct Scene {
    folder: tempfile::TempDir,
    input: PathBuf,
    output: PathBuf,
    work: PathBuf,
}

impl Scene {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let scene = Self {
            input: folder.path().join("in"),
            output: folder.path().join("out"),
            work: folder.path().join("out.rxrx2zarr"),
            folder,
        };
        fs::create_dir(&scene.input).unwrap();
        scene
    }

    fn place(&self) -> OutputLocation {
        OutputLocation::new(&self.output).unwrap()
    }

    fn lock(&self) -> Result<LockedOutput, OutputError> {
        LockedOutput::take(&self.place())
    }

    fn state(&self) -> OutputState {
        self.place().state().unwrap()
    }
}

/// Writes a file and the folders above it.
fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn run() -> Run {
    Run {
        fingerprint: Fingerprint::of(&plan(3, 2, shards_of(2)), settings()),
        description: Description::look_alike(),
        units: 2,
        cleared: true,
        retried: None,
    }
}

#[test]
fn only_one_holds_the_lock_and_the_other_learns_who() {
    let scene = Scene::new();
    let target = scene.lock().unwrap();
    let error = scene.lock().err().unwrap().to_string();
    let holder = format!("process {} on ", std::process::id());
    assert!(error.contains(&holder), "{error}");
    assert!(scene.place().holder().unwrap().unwrap().contains(&holder));
    drop(target);
    assert!(!scene.work.exists(), "nothing was begun, nothing is left");
    assert_eq!(scene.place().holder().unwrap(), None);
    scene.lock().unwrap();
}

#[test]
fn a_lock_of_a_dead_process_is_taken_over() {
    let scene = Scene::new();
    write(&scene.work.join(LOCK), r#"{"host":"elsewhere","pid":1}"#);
    assert_eq!(scene.place().holder().unwrap(), None);
    let target = scene.lock().unwrap();
    target.check().unwrap();
    let text = fs::read_to_string(scene.work.join(LOCK)).unwrap();
    assert!(text.contains(&std::process::id().to_string()), "{text}");
}

#[test]
fn a_lock_that_was_removed_is_noticed() {
    let scene = Scene::new();
    let target = scene.lock().unwrap();
    fs::remove_dir_all(&scene.work).unwrap();
    let error = target.check().unwrap_err();
    assert!(
        matches!(error, OutputError::Lock(LockError::Lost { .. })),
        "{error}"
    );
    let other = scene.lock().unwrap();
    assert!(target.check().is_err());
    other.check().unwrap();
}

#[test]
fn a_run_is_found_again_until_it_is_released() {
    let scene = Scene::new();
    assert!(matches!(scene.state(), OutputState::Free));
    let target = scene.lock().unwrap();
    target.begin(&run()).unwrap();
    drop(target);
    let OutputState::Unfinished(found) = scene.state() else {
        panic!("{:?}", scene.state());
    };
    assert_eq!(*found, run());
    scene.lock().unwrap().release();
    assert!(!scene.work.exists());
    assert!(matches!(scene.state(), OutputState::Free));
}

#[test]
fn torn_writes_are_removed_and_nothing_else() {
    let scene = Scene::new();
    scene.lock().unwrap().begin(&run()).unwrap();
    write(&scene.work.join("object-7.tmp"), "half a sha");
    let target = scene.lock().unwrap();
    assert!(!scene.work.join("object-7.tmp").exists());
    assert!(scene.work.join("run.json").exists());
    drop(target);

    let stranger = scene.work.join("metadata.parquet");
    write(&stranger, "years of work");
    let error = scene.lock().err().unwrap();
    assert!(
        matches!(&error, OutputError::ForeignFile { path } if *path == Location::from(&stranger)),
        "{error}"
    );
}

#[test]
fn starting_over_removes_what_is_ours_only() {
    let scene = Scene::new();
    let thesis = scene.output.join("thesis.tex");
    write(&scene.output.join(ROOT_METADATA), "{}");
    write(&scene.output.join("README.md"), "old");
    write(&thesis, "years of work");
    let target = scene.lock().unwrap();
    let error = target.begin_over(&run()).unwrap_err();
    assert!(
        matches!(&error, OutputError::ForeignFile { path } if *path == Location::from(&thesis))
    );
    assert!(scene.output.join(ROOT_METADATA).exists());
    fs::remove_file(thesis).unwrap();
    target.begin_over(&run()).unwrap();
    assert!(!scene.output.exists());
    assert!(matches!(scene.state(), OutputState::Unfinished(run) if run.cleared));
}

#[test]
fn what_is_not_ours_is_foreign() {
    let scene = Scene::new();
    write(&scene.output.join("thesis.tex"), "years of work");
    assert!(matches!(scene.state(), OutputState::Foreign));
    // So is a Zarr group of somebody else.
    write(
        &scene.output.join(ROOT_METADATA),
        r#"{"zarr_format": 3, "node_type": "group"}"#,
    );
    assert!(matches!(scene.state(), OutputState::Foreign));
    fs::remove_dir_all(&scene.output).unwrap();
    write(&scene.output, "a file");
    assert!(matches!(scene.state(), OutputState::Foreign));
    fs::remove_file(&scene.output).unwrap();
    write(&scene.work, "a file");
    assert!(matches!(scene.state(), OutputState::Foreign));
    let error = scene.lock().err().unwrap();
    assert!(matches!(error, OutputError::Foreign { .. }), "{error}");
}

#[test]
fn a_dataset_of_another_format_is_sealed_all_the_same() {
    let scene = Scene::new();
    let root = r#"{"attributes": {"generator": "rxrx2zarr 0.0.9"}}"#;
    write(&scene.output.join(ROOT_METADATA), root);
    assert!(matches!(scene.state(), OutputState::Sealed(None)));
}

#[test]
fn input_and_output_must_not_overlap() {
    let scene = Scene::new();
    let overlap = |output: &Path, input: &Path| {
        let place = OutputLocation::new(output).unwrap();
        let error = place.refuse_overlap(&input.into()).unwrap_err();
        assert!(matches!(error, OutputError::Overlap { .. }), "{error}");
    };
    overlap(&scene.input.join("a/b/out"), &scene.input);
    overlap(&scene.input, &scene.input);
    overlap(&scene.folder.path().join("in/../in/out"), &scene.input);
    let inner = scene.output.join("in");
    fs::create_dir_all(&inner).unwrap();
    overlap(&scene.output, &inner);
    let address = |text: &str| Location::parse(text.as_ref(), &Arc::default()).unwrap();
    let place = OutputLocation::new(address("s3://bucket/a/b")).unwrap();
    for input in ["s3://bucket/a", "s3://bucket/a/b/", "s3://bucket/a/b/c"] {
        let error = place.refuse_overlap(&address(input)).unwrap_err();
        assert!(matches!(error, OutputError::Overlap { .. }), "{error}");
    }
    place.refuse_overlap(&address("s3://bucket/a/bc")).unwrap();
    scene
        .place()
        .refuse_overlap(&Location::from(&scene.input))
        .unwrap();
}
