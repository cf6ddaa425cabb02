//! A disk that is full at every write, one size after the other.
#![cfg(target_os = "linux")]

use std::fs;
use std::path::Path;
use std::process::Command;

use super::dataset::files_below;
use super::input::{Input, Spec};
use super::run::{PROGRAM, Run, convert};
use super::tally::Tally;
use super::torture::rounds;

/// Runs a shell script in which `$DISK` is a file system of its own, gone
/// afterwards. `None` where the system does not let a user have one.
pub(super) fn with_disk(disk: &Path, script: &str) -> Option<Run> {
    let allowed = Command::new("unshare").args(["-rm", "true"]).status();
    if !allowed.is_ok_and(|status| status.success()) {
        println!("skipped: unshare -rm is not allowed here, so there is no small disk");
        return None;
    }
    fs::create_dir_all(disk).unwrap();
    let mut command = Command::new("unshare");
    command.args(["-rm", "sh", "-euc", script]);
    Some(Run::of(command.env("DISK", disk).env("PROGRAM", PROGRAM)))
}

#[test]
fn a_disk_that_is_full_at_any_write_loses_nothing() {
    let input = Input::new(Spec {
        sites: 12,
        channels: vec![1, 2],
        height: 40,
        width: 50,
        ..Spec::default()
    });
    let options = "--shard-sites 2 --jobs 2 --ignore-space";
    let whole = input.beside("whole");
    convert(&input.root(), &whole, options).exits_with(0);
    let whole = files_below(&whole);
    let bytes: usize = whole
        .values()
        .map(|bytes| bytes.len().next_multiple_of(4096))
        .sum();
    // From one page to room for all, and for folders and journal: as many sizes
    // as there are rounds.
    let largest = 2 * bytes / 1024;
    let sizes = rounds(12).clamp(2, largest / 4);

    let mut tally = Tally::new("full disk, at every size");
    let copy = input.beside("copy");
    for round in 0..sizes {
        let size = (4 + round * largest / sizes).next_multiple_of(4);
        let script = format!(
            r#"
            mount -t tmpfs -o size={size}k tmpfs "$DISK"
            code=0
            "$PROGRAM" convert {input} "$DISK/out" {options} 2> {errors} || code=$?
            echo "first $code"
            if [ -e "$DISK/out/images.zarr/zarr.json" ]; then echo sealed; fi
            ls "$DISK"/out.rxrx2zarr/*.tmp 2> /dev/null || true
            mount -o remount,size=64m "$DISK"
            "$PROGRAM" convert {input} "$DISK/out" {options} 2> {again}
            ls -A "$DISK"
            cp -r "$DISK/out" {copy}
            "#,
            input = input.root().display(),
            errors = input.beside("errors").display(),
            again = input.beside("again").display(),
            copy = copy.display(),
        );
        let Some(run) = with_disk(&input.beside("disk"), &script) else {
            return;
        };
        let run = run.exits_with(0);
        let errors = fs::read_to_string(input.beside("errors")).unwrap();
        tally.round();
        if run.stdout.contains("first 1\n") {
            tally.faults(1);
            let told = errors.contains("No space left on device") && errors.contains("cannot ");
            tally.undetected_unless(told && !run.stdout.contains("sealed"));
            assert!(!run.stdout.contains("object-"), "torn: {run:#?}");
        } else {
            assert!(run.stdout.contains("first 0\nsealed\n"), "{run:#?}");
        }
        assert!(
            run.stdout.ends_with("out\n"),
            "only OUTPUT is left: {run:#?}"
        );
        tally.lost_unless(files_below(&copy) == whole);
        fs::remove_dir_all(&copy).unwrap();
    }
    tally.report();
}
