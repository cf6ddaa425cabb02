use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rxrx_format::Description;
use rxrx_format::keys::ROOT_METADATA;
use rxrx_storage::{Location, LockError};
use sha2::{Digest, Sha256};

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
        cleared: true,
        labels: vec!["well".to_owned()],
        remove: Vec::new(),
        retried: None,
    }
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
    lock.begin(&run()).unwrap();
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
    dirs.lock().unwrap().begin(&run()).unwrap();
    write(&dirs.work.join("object-7.tmp"), "a part of a shard");
    let lock = dirs.lock().unwrap();
    assert!(!dirs.work.join("object-7.tmp").exists());
    assert!(dirs.work.join("run.json").exists());
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
    dirs.lock().unwrap().begin(&run()).unwrap();
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
            other.begin(&run()).unwrap();
            lock.release();
            assert!(dirs.work.join("run.json").exists());
        } else {
            drop(lock);
        }
        other.check().unwrap();
        other.release();
        assert!(!dirs.work.exists());
    }
}

#[test]
fn starting_over_removes_only_objects_of_a_dataset() {
    let dirs = TestDirs::new();
    let foreign = dirs.output.join("foreign.tex");
    write(&dirs.output.join(ROOT_METADATA), "{}");
    let card = dirs.output.join("README.md");
    write(&card, "old");
    let mask = dirs.output.join("images.zarr/my_masks/c/0");
    write(&mask, "work of a user");
    let beyond = dirs.output.join("images.zarr/images/c/9/0/0/0");
    let sums = [("README.md", "old"), ("images.zarr/images/c/9/0/0/0", "x")];
    let sums = sums.map(|(key, text)| (key.to_owned(), Sha256::digest(text).into()));
    write(
        &dirs.output.join("SHA256SUMS"),
        &rxrx_format::checksum_list(&sums.into()),
    );
    write(&beyond, "x");
    write(&foreign, "text of a user");
    let lock = dirs.lock().unwrap();
    let error = lock.begin_over(&run()).unwrap_err();
    assert!(
        matches!(&error, OutputError::ForeignFile { path } if *path == Location::from(&foreign))
    );
    assert!(dirs.output.join(ROOT_METADATA).exists());
    fs::remove_file(foreign).unwrap();
    lock.begin_over(&run()).unwrap();
    assert!(!card.exists() && !beyond.exists());
    assert!(!dirs.output.join(ROOT_METADATA).exists());
    // The mask of a user stays, and nothing else.
    assert_eq!(dirs.place().store().list().unwrap().len(), 1);
    assert_eq!(fs::read_to_string(&mask).unwrap(), "work of a user");
    assert!(matches!(dirs.state(), OutputState::Unfinished(run) if run.cleared));

    // The unfinished run has a shard, a label and a card that was edited.
    let left = ["images.zarr/images/c/0/0/0/0", "images.zarr/well/c/0"];
    for key in left {
        write(&dirs.output.join(key), "x");
    }
    write(&card, "edited");
    lock.begin_over(&run()).unwrap();
    assert!(left.iter().all(|key| !dirs.output.join(key).exists()));
    assert!(card.exists() && mask.exists());

    fs::remove_file(card).unwrap();
    fs::remove_file(mask).unwrap();
    lock.begin_over(&run()).unwrap();
    assert!(!dirs.output.exists());
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
