//! Runs the fuzzer's corpus without the fuzzer. The corpus has all inputs that
//! once failed.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    unreachable_pub,
    reason = "the harness is another crate, written for the fuzzer"
)]

#[path = "../fuzz/src/archive.rs"]
mod archive;

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
