//! Runs the fuzzer's corpus without the fuzzer. The corpus has all inputs that
//! once failed.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    unreachable_pub,
    reason = "the harness is another crate, written for the fuzzer"
)]

#[path = "../fuzz/src/archive.rs"]
mod archive;
#[path = "../fuzz/src/containers.rs"]
mod containers;

use std::fs;
use std::path::Path;

#[test]
fn files_of_archives_are_whole_or_refused() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/images");
    let (mut inputs, mut whole) = (0, 0);
    for entry in fs::read_dir(corpus).unwrap() {
        whole += archive::run(&fs::read(entry.unwrap().path()).unwrap());
        inputs += 1;
    }
    assert!(inputs >= 14, "{inputs} inputs");
    assert!(whole >= 10, "{whole} files of the inputs are whole");
}

/// Runs a target on its corpus. Returns the number of inputs and of good images.
fn run(target: &str, run: fn(&[u8]) -> usize) -> (usize, usize) {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fuzz/corpus")
        .join(target);
    let (mut inputs, mut good) = (0, 0);
    for entry in fs::read_dir(corpus).unwrap() {
        good += run(&fs::read(entry.unwrap().path()).unwrap());
        inputs += 1;
    }
    (inputs, good)
}

#[test]
fn images_of_tars_and_parquet_files_are_the_same_each_time_or_refused() {
    let (inputs, good) = run("tar", containers::tar);
    assert!(inputs >= 8 && good >= 10, "{inputs} tars, {good} images");
    let (inputs, good) = run("shard", containers::shard);
    assert!(
        inputs >= 6 && good >= 10,
        "{inputs} Parquet files, {good} images"
    );
}
