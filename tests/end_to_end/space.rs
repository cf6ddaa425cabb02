//! An OUTPUT that does not fit on its file system.
#![cfg(target_os = "linux")]

use std::fs;

use super::dataset::files_below;
use super::full_disk::with_disk;
use super::input::{Input, Spec};
use super::run::{convert, plan};
#[cfg(target_env = "gnu")]
use super::{run::PROGRAM, system_calls::SystemCalls};

fn input() -> Input {
    Input::new(Spec {
        sites: 12,
        channels: vec![1, 2],
        height: 140,
        width: 150,
        ..Spec::default()
    })
}

const OPTIONS: &str = "--shard-sites 2 --jobs 1";

#[test]
fn a_run_that_does_not_fit_is_refused_and_a_full_disk_says_how_much_is_missing() {
    let input = input();
    let whole = input.beside("whole");
    convert(&input.root(), &whole, OPTIONS).exits_with(0);
    let copy = input.beside("copy");
    // `mount` and `ls` of a user namespace; 160 KiB hold some shards, not all.
    let script = format!(
        r#"
        mount -t tmpfs -o size=160k tmpfs "$DISK"
        "$PROGRAM" plan {input} --output "$DISK/out" {layout} && exit 40
        "$PROGRAM" convert {input} "$DISK/out" {OPTIONS} && exit 41
        ls -A "$DISK"
        "$PROGRAM" convert {input} "$DISK/out" {OPTIONS} --ignore-space && exit 42
        ls "$DISK/out/images.zarr/images/c" > /dev/null
        mount -o remount,size=64m "$DISK"
        "$PROGRAM" plan {input} --output "$DISK/out" {layout} --json
        "$PROGRAM" convert {input} "$DISK/out" {OPTIONS}
        "$PROGRAM" plan {input} --output "$DISK/out" {layout} --json > /dev/null
        cp -r "$DISK/out" {copy}
        "#,
        layout = "--shard-sites 2",
        input = input.root().display(),
        copy = copy.display(),
    );
    let Some(run) = with_disk(&input.beside("disk"), &script) else {
        return;
    };
    let run = run.exits_with(0);
    let run = run.reports_each(&[
        "/out does not fit: about ",
        "--ignore-space",
        "No space left on device",
        "/out is full: about ",
        "the same command continues",
    ]);
    // The refused run left nothing on the disk.
    let (_, after) = run
        .stdout
        .split_once("refuse this: it does not fit")
        .unwrap();
    let (_, after) = after.split_once('\n').unwrap();
    assert!(after.starts_with('{'), "{after}");
    assert!(after.contains("\"fits\": true"), "{after}");
    assert_eq!(files_below(&copy), files_below(&whole));
}

#[cfg(target_env = "gnu")]
#[test]
fn bytes_and_inodes_that_are_free_decide_before_anything_is_written() {
    use std::process::Command;

    let (calls, input) = (SystemCalls::new(), input());
    let under = input.root().parent().unwrap().to_owned();
    let convert = |more: &str, faults: &[(&str, &str)]| {
        let mut command = Command::new(PROGRAM);
        command.arg("convert").arg(input.root()).arg(input.output());
        command.args(format!("{OPTIONS} {more}").split_whitespace());
        calls.run_with(&mut command, &under, faults).0
    };
    let plan_with = |faults: &[(&str, &str)], code| {
        let mut command = Command::new(PROGRAM);
        command.arg("plan").arg(input.root()).arg("--output");
        command
            .arg(input.output())
            .args(["--shard-sites", "2", "--json"]);
        let run = calls.run_with(&mut command, &under, faults).0;
        run.exits_with(code).json()["space"].clone()
    };
    for (faults, said) in [
        (
            [("FREE_BYTES", "262144"), ("FREE_FILES", "900")],
            "has 256.0 KiB and 900 files",
        ),
        (
            [("FREE_BYTES", "1073741824"), ("FREE_FILES", "9")],
            "and 9 files (inodes) free",
        ),
    ] {
        let refused = convert("--json", &faults).exits_with(1);
        let refused = refused.reports_each(&["does not fit: about ", said, "--ignore-space"]);
        assert_eq!(refused.json()["error"]["kind"], "output");
        assert!(!input.output().exists());
        assert!(!input.beside("out.rxrx2zarr").exists());
        let space = plan_with(&faults, 1);
        assert_eq!(space["fits"], false, "{space}");
        assert_eq!(space["free_files"].to_string(), faults[1].1);
    }
    let room = [("FREE_BYTES", "1073741824"), ("FREE_FILES", "900")];
    let whole = plan_with(&room, 0);

    // An image that ends a strict run leaves shards behind: only the rest is needed.
    let image = input.image(9, 1);
    let png = fs::read(&image).unwrap();
    fs::write(&image, &png[..50]).unwrap();
    convert("--strict", &room).exits_with(1);
    fs::write(&image, png).unwrap();
    let rest = plan_with(&room, 0);
    let bytes = |space: &serde_json::Value| space["needed_bytes"].as_u64().unwrap();
    assert!(bytes(&rest) < bytes(&whole), "{rest} {whole}");
    // The rest fits where the whole does not.
    let between = (bytes(&rest) + bytes(&whole)) / 2;
    let between = [
        ("FREE_BYTES", &between.to_string()[..]),
        ("FREE_FILES", "900"),
    ];
    convert("", &between).exits_with(0);
    assert_eq!(bytes(&plan_with(&between, 0)), 0, "a complete dataset");

    // What is replaced stays until the new dataset is complete, and makes no room.
    let little = bytes(&whole) - 100_000;
    let little = [
        ("FREE_BYTES", &little.to_string()[..]),
        ("FREE_FILES", "900"),
    ];
    convert("--overwrite", &little)
        .exits_with(1)
        .reports_each(&["does not fit"]);
    convert("--overwrite --ignore-space", &[("FREE_BYTES", "0")]).exits_with(0);
    assert_eq!(
        plan(&input.root(), "--json").json()["space"],
        serde_json::Value::Null
    );
}
