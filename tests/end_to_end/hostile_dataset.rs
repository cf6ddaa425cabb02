//! Pipes, devices and giants in place of the objects of a dataset and of a journal: no
//! command waits for them or takes memory for them.
#![cfg(target_os = "linux")]

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use super::input::Input;
use super::run::{PROGRAM, Run, convert};

const ROOT: &str = "images.zarr/zarr.json";
const SUMS: &str = "SHA256SUMS";
/// A document, a table, a label and a shard.
const OTHERS: [&str; 4] = [
    "README.md",
    "metadata.parquet",
    "images.zarr/site/c/0",
    "images.zarr/images/c/0/0/0/0",
];

/// Words of the message, and a function that puts something at a path.
type Put = (&'static str, fn(&Path));

/// What is put in place of an object.
const PUT: [Put; 4] = [
    ("pipe", make_pipe),
    ("not a regular file", |path| {
        symlink("/dev/zero", path).unwrap()
    }),
    ("bytes", make_giant),
    // The link is short, and what it leads to is not.
    ("bytes", |path| {
        let giant = path.with_extension("giant");
        let outside = path.ancestors().find(|folder| folder.ends_with("out"));
        let giant = outside.unwrap().with_file_name(giant.file_name().unwrap());
        make_giant(&giant);
        symlink(giant, path).unwrap();
    }),
];

fn make_pipe(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

/// Makes a file of 20 GB that takes no room on the disk.
fn make_giant(path: &Path) {
    File::create(path).unwrap().set_len(20 << 30).unwrap();
}

/// Runs the program with 4 GB of address space. It is killed if it does not end.
fn run_in_little_memory<'a>(arguments: impl IntoIterator<Item = &'a str>) -> Run {
    let script = r#"ulimit -v 4000000; exec timeout -s KILL 120 "$0" "$@""#;
    let command = &mut Command::new("bash");
    Run::of(command.args(["-c", script, PROGRAM]).args(arguments))
}

/// A dataset of three sites in two shards.
fn dataset() -> Input {
    let input = Input::of_sites(3);
    convert(&input.root(), &input.output(), "--shard-sites 2").exits_with(0);
    input
}

/// Puts something in place of each of `keys`, one after the other, and calls `check`
/// with the key and a text that says what it is.
fn replace_each(input: &Input, keys: &[&str], mut check: impl FnMut(&str, &str)) {
    for key in keys {
        let path = input.output().join(key);
        let bytes = fs::read(&path).unwrap();
        for (what, put) in PUT {
            fs::remove_file(&path).unwrap();
            put(&path);
            check(key, what);
            fs::remove_file(&path).unwrap();
            fs::write(&path, &bytes).unwrap();
        }
    }
}

#[test]
fn verify_names_what_is_no_object() {
    let input = dataset();
    let output = input.output();
    let output = output.to_str().unwrap();
    let verify = || run_in_little_memory(["verify", output]);
    replace_each(&input, &[ROOT], |key, what| {
        verify().exits_with(1).reports_each(&[key, what]);
    });
    replace_each(&input, &[&[SUMS][..], &OTHERS[..]].concat(), |key, what| {
        let run = verify().exits_with(1);
        let said = [run.stdout.as_str(), run.stderr.as_str()].concat();
        assert!(said.contains(key) && said.contains(what), "{run:#?}");
    });
    verify().exits_with(0);
}

#[test]
fn info_and_convert_name_what_is_no_root() {
    let input = dataset();
    let (root, output) = (input.root(), input.output());
    let (root, output) = (root.to_str().unwrap(), output.to_str().unwrap());
    replace_each(&input, &[ROOT], |key, what| {
        let info = run_in_little_memory(["info", output]);
        info.exits_with(1).reports_each(&[key, what]);
        for options in [&[][..], &["--overwrite"], &["--retry-bad"]] {
            let arguments = ["convert", root, output].into_iter();
            let convert = run_in_little_memory(arguments.chain(options.iter().copied()));
            convert.exits_with(1).reports_each(&[key, what]);
        }
    });
}

#[test]
fn publish_names_what_is_no_object_before_it_asks_the_store() {
    let input = dataset();
    let output = input.output();
    // Nobody listens there.
    let publish = "s3://bucket/x --dry-run --store-option endpoint=http://127.0.0.1:9 \
                   --store-option max_retries=0 --store-option retry_timeout=0";
    let publish = || {
        let arguments = ["publish", output.to_str().unwrap()].into_iter();
        run_in_little_memory(arguments.chain(publish.split_whitespace()))
    };
    replace_each(&input, &[ROOT, SUMS], |key, what| {
        publish().exits_with(1).reports_each(&[key, what]);
    });
    replace_each(&input, &OTHERS, |_, _| {
        publish().exits_with(1);
    });
}

#[test]
fn what_is_no_journal_is_named() {
    let input = dataset();
    let (root, output) = (input.root(), input.output());
    fs::remove_file(output.join(ROOT)).unwrap();
    let work = input.beside("out.rxrx2zarr");
    fs::create_dir(&work).unwrap();
    let (root, output) = (root.to_str().unwrap(), output.to_str().unwrap());
    for (what, put) in &PUT[..3] {
        let run = work.join("state.json");
        put(&run);
        for arguments in [
            &["info", output][..],
            &["convert", root, output, "--shard-sites", "2"],
        ] {
            let run = run_in_little_memory(arguments.iter().copied());
            run.exits_with(1).reports_each(&["state.json", what]);
        }
        fs::remove_file(&run).unwrap();
    }
    let _ = fs::remove_file(work.join("lock"));
    make_pipe(&work.join("lock"));
    run_in_little_memory(["convert", root, output, "--shard-sites", "2"])
        .exits_with(1)
        .reports_each(&["lock", "it is not a file"]);
}

#[test]
fn what_is_no_record_is_named() {
    let input = dataset();
    // A run that is cut off by a bad image after its first unit.
    fs::remove_dir_all(input.output()).unwrap();
    fs::write(input.image(2, 1), b"no image").unwrap();
    let options = "--shard-sites 2 --strict --jobs 1";
    convert(&input.root(), &input.output(), options).exits_with(1);
    let record = input.beside("out.rxrx2zarr").join("units/0.json");
    for (what, put) in &PUT[..3] {
        fs::remove_file(&record).unwrap();
        put(&record);
        let (root, output) = (input.root(), input.output());
        let arguments = ["convert", root.to_str().unwrap(), output.to_str().unwrap()];
        run_in_little_memory(arguments.into_iter().chain(options.split_whitespace()))
            .exits_with(1)
            .reports_each(&["units/0.json", what]);
    }
}
