use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rxrx_format::Description;
use rxrx_format::keys::ROOT_METADATA;
use rxrx_storage::{Location, LockError};
use sha2::{Digest, Sha256};

use super::recorded_state::{Phase, RecordedState};
use super::*;

const LOCK: &str = "lock";
use crate::fixture::{plan, settings, shards_of};
use crate::journal::{Fingerprint, Run};

struct TestDirs {
    folder: tempfile::TempDir,
    input: PathBuf,
    output: PathBuf,
    work: PathBuf,
}

impl TestDirs {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let dirs = Self {
            input: folder.path().join("in"),
            output: folder.path().join("out"),
            work: folder.path().join("out.rxrx2zarr"),
            folder,
        };
        fs::create_dir(&dirs.input).unwrap();
        dirs
    }

    fn place(&self) -> OutputLocation {
        OutputLocation::new(&self.output).unwrap()
    }

    fn lock(&self) -> Result<LockedOutput, OutputError> {
        LockedOutput::take(&self.place(), &crate::Silent)
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
        labels: vec!["well".to_owned()],
        retried: None,
        job: None,
    }
}

fn plan_of_run() -> Plan {
    Plan::Convert(Box::new(run()))
}

#[test]
fn a_second_process_is_refused_and_the_holder_is_named() {
    let dirs = TestDirs::new();
    let lock = dirs.lock().unwrap();
    let error = dirs.lock().err().unwrap().to_string();
    let holder = format!("process {} on ", std::process::id());
    assert!(error.contains(&holder), "{error}");
    assert!(dirs.place().holder().unwrap().unwrap().contains(&holder));
    drop(lock);
    assert!(!dirs.work.exists(), "nothing was begun, nothing is left");
    assert_eq!(dirs.place().holder().unwrap(), None);
    dirs.lock().unwrap();
}

#[test]
fn a_lock_of_a_dead_process_is_taken_over() {
    let dirs = TestDirs::new();
    write(&dirs.work.join(LOCK), r#"{"host":"elsewhere","pid":1}"#);
    assert_eq!(dirs.place().holder().unwrap(), None);
    let lock = dirs.lock().unwrap();
    lock.check().unwrap();
    let text = fs::read_to_string(dirs.work.join(LOCK)).unwrap();
    assert!(text.contains(&std::process::id().to_string()), "{text}");
}

/// Whoever may write beside OUTPUT could lead the lock to a file of the user.
#[cfg(unix)]
#[test]
fn a_link_in_place_of_the_lock_is_refused() {
    use std::os::unix::fs::symlink;

    let dirs = TestDirs::new();
    let victim = dirs.folder.path().join("victim");
    write(&victim, "text of a user");
    let folder = dirs.folder.path().join("elsewhere");
    fs::create_dir(&folder).unwrap();
    let is_refused = |error: OutputError, link: &Path| {
        let text = error.to_string();
        let OutputError::Lock(LockError::Link { path }) = error else {
            panic!("{error:?}");
        };
        assert_eq!(path, link);
        assert!(text.contains("remove the link"), "{text}");
    };
    let link = dirs.work.join(LOCK);
    fs::create_dir(&dirs.work).unwrap();
    symlink(&victim, &link).unwrap();
    is_refused(dirs.lock().err().unwrap(), &link);
    is_refused(dirs.place().holder().unwrap_err(), &link);
    assert_eq!(fs::read(&victim).unwrap(), b"text of a user");

    fs::remove_dir_all(&dirs.work).unwrap();
    symlink(&folder, &dirs.work).unwrap();
    is_refused(dirs.lock().err().unwrap(), &dirs.work);
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
}

#[cfg(unix)]
#[test]
fn a_pipe_in_place_of_the_lock_is_refused() {
    let dirs = TestDirs::new();
    fs::create_dir(&dirs.work).unwrap();
    let pipe = dirs.work.join(LOCK);
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.unwrap().success());
    for error in [
        dirs.lock().err().unwrap(),
        dirs.place().holder().unwrap_err(),
    ] {
        let OutputError::Lock(LockError::Io { path, source, .. }) = error else {
            panic!("{error:?}");
        };
        assert_eq!(
            (path, source.to_string()),
            (pipe.clone(), "it is not a file; remove it".into())
        );
    }
}

#[test]
fn a_removed_lock_is_an_error() {
    let dirs = TestDirs::new();
    let lock = dirs.lock().unwrap();
    fs::remove_dir_all(&dirs.work).unwrap();
    let error = lock.check().unwrap_err();
    assert!(
        matches!(error, OutputError::Lock(LockError::Lost { .. })),
        "{error}"
    );
    let other = dirs.lock().unwrap();
    assert!(lock.check().is_err());
    other.check().unwrap();
}

#[test]
fn a_run_is_found_until_it_is_released() {
    let dirs = TestDirs::new();
    assert!(matches!(dirs.state(), OutputState::Free));
    let lock = dirs.lock().unwrap();
    lock.begin(plan_of_run()).unwrap();
    drop(lock);
    let OutputState::Unfinished(found) = dirs.state() else {
        panic!("{:?}", dirs.state());
    };
    assert_eq!(*found, run());
    dirs.lock().unwrap().release();
    assert!(!dirs.work.exists());
    assert!(matches!(dirs.state(), OutputState::Free));
}

#[test]
fn only_torn_writes_are_removed() {
    let dirs = TestDirs::new();
    dirs.lock().unwrap().begin(plan_of_run()).unwrap();
    write(&dirs.work.join("object-7.tmp"), "a part of a shard");
    let lock = dirs.lock().unwrap();
    assert!(!dirs.work.join("object-7.tmp").exists());
    assert!(dirs.work.join("state.json").exists());
    drop(lock);

    let foreign = dirs.work.join("metadata.parquet");
    write(&foreign, "text of a user");
    let error = dirs.lock().err().unwrap();
    assert!(
        matches!(&error, OutputError::ForeignFile { path } if *path == Location::from(&foreign)),
        "{error}"
    );
}

/// NFS and FUSE keep a file that was removed while it was open, and a crash of the
/// machine leaves it for ever.
#[test]
fn a_removed_file_that_a_file_system_keeps_is_left_alone() {
    let dirs = TestDirs::new();
    let kept = [".nfs1", ".fuse_hidden0000000a00000001"].map(|name| dirs.work.join(name));
    for path in &kept {
        write(path, "");
    }
    write(&dirs.output.join(".nfs2"), "");
    assert!(matches!(dirs.state(), OutputState::Free));
    dirs.place().refuse_foreign_files().unwrap();
    dirs.lock().unwrap().begin(plan_of_run()).unwrap();
    dirs.lock().unwrap().release();
    let left = fs::read_dir(&dirs.work).unwrap();
    let mut left: Vec<_> = left.map(|entry| entry.unwrap().path()).collect();
    left.sort();
    assert_eq!(left, [kept[1].clone(), kept[0].clone()]);
    dirs.lock().unwrap();
}

/// Who holds the lock does not remove the journal of a process that came after the
/// work folder was removed.
#[test]
fn a_lost_lock_removes_nothing() {
    let dirs = TestDirs::new();
    for release in [false, true] {
        let lock = dirs.lock().unwrap();
        fs::remove_dir_all(&dirs.work).unwrap();
        let other = dirs.lock().unwrap();
        if release {
            other.begin(plan_of_run()).unwrap();
            lock.release();
            assert!(dirs.work.join("state.json").exists());
        } else {
            drop(lock);
        }
        other.check().unwrap();
        other.release();
        assert!(!dirs.work.exists());
    }
}

/// Nothing is removed when a dataset is built to replace what is there, and objects of a
/// user are told from ours.
#[test]
fn a_replacement_begins_beside_what_is_there_and_refuses_objects_of_a_user() {
    let dirs = TestDirs::new();
    let foreign = dirs.output.join("foreign.tex");
    write(&dirs.output.join(ROOT_METADATA), "{}");
    let card = dirs.output.join("README.md");
    write(&card, "old");
    write(
        &dirs.output.join("images.zarr/my_masks/c/0"),
        "work of a user",
    );
    let beyond = "images.zarr/images/c/9/0/0/0";
    let sums = [("README.md", "old"), (beyond, "x")];
    let sums = sums.map(|(key, text)| (key.to_owned(), Sha256::digest(text).into()));
    write(
        &dirs.output.join("SHA256SUMS"),
        &rxrx_format::checksum_list(&sums.into()),
    );
    write(&dirs.output.join(beyond), "x");
    write(&foreign, "text of a user");
    let lock = dirs.lock().unwrap();
    let begin = || lock.begin_next(plan_of_run(), None, |_| false);
    let refused = |path: &Path| match begin().err().unwrap() {
        OutputError::ForeignFile { path: found } => assert_eq!(found, Location::from(path)),
        error => panic!("{error}"),
    };
    refused(&foreign);
    fs::remove_file(foreign).unwrap();
    // The plan has a shard of that name, and the list of checksums does not.
    let occupied = dirs.output.join("images.zarr/images/c/1/0/0/0");
    write(&occupied, "work of a user");
    refused(&occupied);
    fs::remove_file(occupied).unwrap();
    assert_eq!(lock.next(), None);

    let before = dirs.place().store().list().unwrap();
    let folder = begin().unwrap();
    assert_eq!(lock.next().unwrap().folder, folder.name());
    assert_eq!(dirs.place().store().list().unwrap(), before);
    let ours = ["README.md", "SHA256SUMS", beyond, ROOT_METADATA];
    assert_eq!(folder.former().unwrap(), ours);
    // An edited card is somebody's work, and no obstacle.
    write(&card, "edited");
    let again = begin().unwrap();
    assert_ne!(again.name(), folder.name());
    assert_eq!(again.former().unwrap(), &ours[1..]);
    assert!(folder.former().is_err(), "the former folder was removed");
    // Going on with a folder keeps its name.
    let same = lock.begin_next(plan_of_run(), None, |next| next.folder == again.name());
    assert_eq!(same.unwrap().name(), again.name());
}

#[test]
fn a_state_that_another_process_changed_is_an_error() {
    let dirs = TestDirs::new();
    let lock = dirs.lock().unwrap();
    lock.begin(plan_of_run()).unwrap();
    let state = dirs.work.join("state.json");
    let other = RecordedState::new(Phase::Sealed, None, BTreeSet::new()).unwrap();
    write(
        &state,
        std::str::from_utf8(&other.encode().unwrap()).unwrap(),
    );
    let error = lock.begin(plan_of_run()).unwrap_err();
    assert!(matches!(error, OutputError::Changed { .. }), "{error}");
}

#[test]
fn a_marker_without_a_state_can_only_be_replaced() {
    let dirs = TestDirs::new();
    let mark = rxrx_format::SwitchMark {
        run: "run-1".to_owned(),
        holder: "2".to_owned(),
    };
    let marker = String::from_utf8(mark.marker()).unwrap();
    write(&dirs.output.join(ROOT_METADATA), &marker);
    let OutputState::Damaged(error) = dirs.state() else {
        panic!("{:?}", dirs.state());
    };
    assert!(error.to_string().contains("--overwrite"), "{error}");
}

#[test]
fn other_files_and_groups_are_foreign() {
    let dirs = TestDirs::new();
    write(&dirs.output.join("foreign.tex"), "text of a user");
    assert!(matches!(dirs.state(), OutputState::Foreign));
    // So is a Zarr group of somebody else.
    write(
        &dirs.output.join(ROOT_METADATA),
        r#"{"zarr_format": 3, "node_type": "group"}"#,
    );
    assert!(matches!(dirs.state(), OutputState::Foreign));
    fs::remove_dir_all(&dirs.output).unwrap();
    write(&dirs.output, "a file");
    assert!(matches!(dirs.state(), OutputState::Foreign));
    fs::remove_file(&dirs.output).unwrap();
    write(&dirs.work, "a file");
    assert!(matches!(dirs.state(), OutputState::Foreign));
    let error = dirs.lock().err().unwrap();
    assert!(matches!(error, OutputError::Foreign { .. }), "{error}");
}

#[test]
fn a_dataset_of_another_format_is_sealed() {
    let dirs = TestDirs::new();
    let root = r#"{"attributes": {"generator": "rxrx2zarr 0.0.9"}}"#;
    write(&dirs.output.join(ROOT_METADATA), root);
    assert!(matches!(dirs.state(), OutputState::Sealed(None)));
}

#[test]
fn input_and_output_must_not_overlap() {
    let dirs = TestDirs::new();
    let overlap = |output: &Path, input: &Path| {
        let place = OutputLocation::new(output).unwrap();
        let error = place.refuse_overlap(&input.into()).unwrap_err();
        assert!(matches!(error, OutputError::Overlap { .. }), "{error}");
    };
    overlap(&dirs.input.join("a/b/out"), &dirs.input);
    overlap(&dirs.input, &dirs.input);
    overlap(&dirs.folder.path().join("in/../in/out"), &dirs.input);
    let inner = dirs.output.join("in");
    fs::create_dir_all(&inner).unwrap();
    overlap(&dirs.output, &inner);
    let address = |text: &str| Location::parse(text.as_ref(), &Arc::default()).unwrap();
    let place = OutputLocation::new(address("s3://bucket/a/b")).unwrap();
    for input in ["s3://bucket/a", "s3://bucket/a/b/", "s3://bucket/a/b/c"] {
        let error = place.refuse_overlap(&address(input)).unwrap_err();
        assert!(matches!(error, OutputError::Overlap { .. }), "{error}");
    }
    place.refuse_overlap(&address("s3://bucket/a/bc")).unwrap();
    dirs.place()
        .refuse_overlap(&Location::from(&dirs.input))
        .unwrap();
}
