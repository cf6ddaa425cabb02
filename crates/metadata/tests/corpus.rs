//! Runs the fuzzers' corpora without the fuzzers. The corpora have all inputs that
//! once failed.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    dead_code,
    unused_imports,
    unreachable_pub,
    reason = "the harness is another crate, written for the fuzzer"
)]

#[path = "../fuzz/src/archive.rs"]
mod archive;
#[path = "../fuzz/src/path.rs"]
mod path;
#[path = "../fuzz/src/saved.rs"]
mod saved;
#[path = "../fuzz/src/table.rs"]
mod table;

use std::fs;
use std::panic::catch_unwind;
use std::path::Path;

#[track_caller]
fn replay(target: &str, run: fn(&[u8]), at_least: usize) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fuzz/corpus")
        .join(target);
    let mut failures = Vec::new();
    let mut inputs = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let input = fs::read(&path).unwrap();
        if catch_unwind(|| run(&input)).is_err() {
            failures.push(path);
        }
        inputs += 1;
    }
    assert!(inputs >= at_least, "{inputs} inputs");
    assert!(failures.is_empty(), "{failures:#?}");
}

#[test]
fn archives_are_tables_or_refused() {
    replay("archive", archive::run, 80);
}

#[test]
fn paths_are_read_as_they_are_written() {
    replay("path", path::run, 80);
}

#[test]
fn saved_tables_keep_their_promises_or_are_refused() {
    replay("saved", saved::run, 13);
}

#[test]
fn tables_keep_their_promises_or_are_refused() {
    replay("table", table::run, 80);
}
