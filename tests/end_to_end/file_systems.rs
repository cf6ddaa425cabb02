//! Outputs on file systems, and under names, that are out of the ordinary.
#![cfg(unix)]

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

use super::dataset::{Dataset, files_below};
use super::full_disk::with_disk;
use super::input::{Input, Spec};
use super::run::{PROGRAM, Run, convert};
#[cfg(all(target_os = "linux", target_env = "gnu"))]
use super::system_calls::SystemCalls;
use super::targets::interrupted;

/// Returns the command that converts `input`.
fn command(input: &Input, options: &str) -> Command {
    let mut command = Command::new(PROGRAM);
    command.arg("convert").arg(input.root()).arg(input.output());
    command.args(options.split_whitespace());
    command
}

#[test]
fn an_output_that_is_a_link_stays_one() {
    let input = Input::of_sites(5);
    let (target, link) = (input.beside("elsewhere/data"), input.beside("link"));
    fs::create_dir_all(&target).unwrap();
    symlink(&target, &link).unwrap();
    convert(&input.root(), &link, "--codec zstd").exits_with(0);
    convert(&input.root(), &link, "--overwrite").exits_with(0);
    assert!(link.is_symlink());
    assert!(!input.beside("link.rxrx2zarr").exists());
    assert!(!input.beside("elsewhere/data.rxrx2zarr").exists());
    Dataset::at(target.clone()).has_pixels_of(&input);

    // Somebody has removed the folder behind the link after a replacement was interrupted.
    let image = input.image(4, 1);
    let png = fs::read(&image).unwrap();
    fs::write(&image, &png[..50]).unwrap();
    let options = "--overwrite --strict --shard-sites 2 --jobs 1";
    convert(&input.root(), &link, options).exits_with(1);
    fs::write(&image, png).unwrap();
    fs::remove_dir_all(&target).unwrap();
    convert(&input.root(), &link, "--shard-sites 2").exits_with(0);
    assert!(link.is_symlink());
    Dataset::at(target.clone()).has_pixels_of(&input);

    // A link to a disk that is not there.
    fs::remove_dir_all(&target).unwrap();
    convert(&input.root(), &link, "")
        .exits_with(1)
        .reports_each(&[
            "elsewhere/data, which does not exist: create that folder, or remove the link",
        ]);
    assert_eq!(fs::read_dir(input.beside("elsewhere")).unwrap().count(), 0);
}

#[cfg(target_os = "linux")]
#[test]
fn a_mount_point_is_refused_before_anything_is_written() {
    let input = Input::of_sites(3);
    let disk = input.beside("disk");
    let script = format!(
        r#"
        run() {{ "$PROGRAM" convert {root} "$DISK/$1" 2>> {errors} || echo "$1 ends with $?"; }}
        cd "$DISK"
        mkdir "file system" bound part
        mount -t tmpfs tmpfs "$DISK/file system"
        mount --bind bound bound
        mkdir -p part/images.zarr
        mount -t tmpfs tmpfs part/images.zarr
        run "file system"
        run bound
        ls -A "$DISK" "file system" bound
        run "file system/dataset"
        "#,
        root = input.root().display(),
        errors = input.beside("errors").display(),
    );
    let Some(run) = with_disk(&disk, &script) else {
        return;
    };
    let run = run.exits_with(0);
    let errors = fs::read_to_string(input.beside("errors")).unwrap();
    for name in ["file system", "bound"] {
        assert!(
            run.stdout.contains(&format!("{name} ends with 1\n")),
            "{run:?}"
        );
        let advice = format!(
            "name a new folder inside it, such as {}/{name}/dataset",
            disk.display()
        );
        assert!(errors.contains(&advice), "{errors}");
    }
    assert!(!run.stdout.contains(".rxrx2zarr"), "{run:?}");
    assert!(
        !run.stdout.contains("dataset ends with"),
        "{run:?} {errors}"
    );
}

/// A folder inside OUTPUT is found to be elsewhere when the first object is put.
#[cfg(target_os = "linux")]
#[test]
fn a_part_of_an_output_on_another_file_system_is_named() {
    let input = Input::of_sites(3);
    let options = "--shard-sites 1 --jobs 1";
    interrupted(&input);
    let script = format!(
        r#"
        mount -t tmpfs tmpfs {output}/images.zarr/images
        "$PROGRAM" convert {root} {output} {options}
        "#,
        root = input.root().display(),
        output = input.output().display(),
    );
    let Some(run) = with_disk(&input.beside("disk"), &script) else {
        return;
    };
    run.exits_with(1).reports_each(&[
        "images.zarr/images/c/",
        "no folder of an output may be a link or a mount point",
    ]);
    convert(&input.root(), &input.output(), options).exits_with(0);
    Dataset::at(input.output()).has_pixels_of(&input);
}

#[test]
fn too_few_file_descriptors_are_called_that() {
    let input = Input::of_sites(3);
    let mut refused = 0;
    for limit in 4..=24 {
        let mut command = Command::new("sh");
        let script = "ulimit -n $LIMIT; exec \"$PROGRAM\" convert \"$INPUT\" \"$OUTPUT\" -q";
        command.args(["-c", script]).env("LIMIT", limit.to_string());
        command.env("PROGRAM", PROGRAM).env("INPUT", input.root());
        let run = Run::of(command.env("OUTPUT", input.output()));
        assert!(!run.stderr.contains("being written"), "{limit}: {run:?}");
        if run.stderr.contains("ulimit -n") {
            assert!(run.stderr.contains("open files"), "{limit}: {run:?}");
            refused += 1;
        }
        convert(&input.root(), &input.output(), "").exits_with(0);
        Dataset::at(input.output()).has_pixels_of(&input);
        fs::remove_dir_all(input.output()).unwrap();
    }
    assert!(refused > 0);
}

/// NFS and FUSE keep a file that is removed while it is open, and its folder.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[test]
fn the_lock_is_closed_before_it_is_removed() {
    let input = Input::of_sites(3);
    let calls = SystemCalls::new();
    let place = input.beside("");
    let keeps = |options: &str, code| {
        let faults = [("KEEP_REMOVED", "1")];
        let (run, _) = calls.run_with(&mut command(&input, options), &place, &faults);
        run.exits_with(code);
        assert!(!input.beside("out.rxrx2zarr").exists(), "{options:?}");
    };
    // No run begins, a run ends, and a run replaces one.
    keeps("--retry-bad", 1);
    keeps("", 0);
    keeps("--overwrite", 0);
    Dataset::at(input.output()).has_pixels_of(&input);
}

/// A file system refuses writes past the page cache that are no whole number of its
/// blocks, and a block is larger than a page.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[test]
fn blocks_of_more_than_a_page_change_no_byte() {
    let input = Input::new(Spec {
        sites: 12,
        channels: vec![1, 2],
        height: 400,
        width: 500,
        sixteen_bit: true,
        ..Spec::default()
    });
    let options = "--shard-sites 10 --codec zstd";
    let whole = input.beside("whole");
    convert(&input.root(), &whole, options).exits_with(0);
    let shard = fs::metadata(whole.join("images.zarr/images/c/0/0/0/0")).unwrap();
    // A shard is written in pieces of 1 MiB. The first one is refused, or the last one.
    assert!(shard.len() > 1 << 20, "{}", shard.len());
    let calls = SystemCalls::new();
    for block in ["2097152", "65536", "16384", "8192"] {
        let faults = [("FAIL_BLOCK", block)];
        let place = input.beside("");
        let (run, failed) = calls.run_with(&mut command(&input, options), &place, &faults);
        if failed.is_empty() && block == "2097152" {
            println!("skipped: the file system of the temporary folder has no O_DIRECT");
            return;
        }
        run.exits_with(0);
        assert!(
            files_below(&input.output()) == files_below(&whole),
            "{block}"
        );
        assert!(!failed.is_empty() || block == "8192", "{block}");
        fs::remove_dir_all(input.output()).unwrap();
    }
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[test]
fn folders_that_cannot_be_flushed_are_told_and_no_obstacle() {
    let input = Input::of_sites(3);
    let whole = input.beside("whole");
    convert(&input.root(), &whole, "").exits_with(0);
    let calls = SystemCalls::new();
    let place = input.beside("");
    // EINVAL, ENOSYS, ENOTSUP.
    for error in ["22", "38", "95"] {
        let faults = [("FAIL_FLUSH", error)];
        let (run, failed) = calls.run_with(&mut command(&input, ""), &place, &faults);
        run.exits_with(0)
            .reports_each(&["cannot flush the names in a folder"]);
        assert!(!failed.is_empty());
        assert!(files_below(&input.output()) == files_below(&whole));
        fs::remove_dir_all(input.output()).unwrap();
    }
    // EIO is no such thing.
    let (run, _) = calls.run_with(&mut command(&input, ""), &place, &[("FAIL_FLUSH", "5")]);
    let run = run.exits_with(1);
    assert!(run.stderr.contains("Input/output error"), "{run:?}");
}

/// FAT and some network file systems give a file one name only: there the new objects are
/// renamed, not linked.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[test]
fn a_dataset_is_replaced_where_a_file_has_one_name_only() {
    let (calls, input) = (SystemCalls::new(), Input::of_sites(5));
    convert(&input.root(), &input.output(), "--codec zstd").exits_with(0);
    convert(&input.root(), &input.beside("whole"), "--shard-sites 2").exits_with(0);
    let mut replace = command(&input, "--overwrite --shard-sites 2");
    let under = input.root().parent().unwrap().to_owned();
    let (run, _) = calls.run_with(&mut replace, &under, &[("NO_LINKS", "1")]);
    run.exits_with(0);
    assert!(files_below(&input.output()) == files_below(&input.beside("whole")));
    assert!(!input.beside("out.rxrx2zarr").exists());
}
