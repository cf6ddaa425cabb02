//! The fuzzer's corpus, without the fuzzer. What was once found to go wrong
//! lies there too.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    unreachable_pub,
    reason = "the harness is another crate, written for the fuzzer"
)]

#[path = "../fuzz/src/journal.rs"]
mod journal;

use std::fs;
use std::path::Path;

#[test]
fn records_are_whole_or_refused() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/journal");
    let mut inputs = 0;
    for entry in fs::read_dir(corpus).unwrap() {
        journal::run(&fs::read(entry.unwrap().path()).unwrap());
        inputs += 1;
    }
    assert!(inputs >= 10, "{inputs} inputs");
}
