//! Runs the fuzzer's corpus without the fuzzer. The corpus also holds inputs that once
//! failed.
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
fn records_are_intact_or_refused() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/journal");
    let (mut inputs, mut whole) = (0, 0);
    for entry in fs::read_dir(corpus).unwrap() {
        let input = fs::read(entry.unwrap().path()).unwrap();
        journal::run(&input);
        inputs += 1;
        whole += usize::from(rxrx_writer::UnitRecord::from_entry(&input).is_ok());
    }
    assert!(inputs >= 10, "{inputs} inputs");
    // When the format of records changes, these inputs must be made again.
    assert!(whole >= 5, "{whole} of the inputs are whole records");
}
