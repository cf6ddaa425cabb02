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
    let (mut inputs, mut whole) = (0, 0);
    for entry in fs::read_dir(corpus).unwrap() {
        let input = fs::read(entry.unwrap().path()).unwrap();
        journal::run(&input);
        inputs += 1;
        whole += usize::from(rxrx_writer::UnitRecord::from_entry(&input).is_ok());
    }
    assert!(inputs >= 10, "{inputs} inputs");
    // When records change, these must be made anew.
    assert!(whole >= 5, "{whole} of the inputs are whole records");
}
