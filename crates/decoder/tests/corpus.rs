//! Runs the fuzzer's corpus without the fuzzer: our decoder and the `png` crate give equal
//! pixels, or both refuse. The corpus includes the inputs of past faults.
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

#[path = "../fuzz/src/lib.rs"]
mod harness;

use std::fs;
use std::panic::catch_unwind;
use std::path::Path;

#[test]
fn other_formats_give_a_plane_or_an_error() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut images = 0;
    for inputs in ["fuzz/corpus/formats", "tests/images"] {
        for entry in fs::read_dir(folder.join(inputs)).unwrap() {
            let path = entry.unwrap().path();
            if !path.is_file() {
                continue;
            }
            let input = fs::read(path).unwrap();
            images += usize::from(harness::formats::run(&input));
            // Cut and changed files must not bring the decoders down.
            for at in (0..input.len()).step_by(input.len() / 8 + 1) {
                let mut changed = input.clone();
                changed[at] ^= 0xFF;
                harness::formats::run(&changed);
                harness::formats::run(&input[..at]);
            }
        }
    }
    assert!(images > 30, "{images} images");
}

#[test]
fn the_decoders_agree_on_every_input_of_the_corpus() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/decode");
    let mut failures = Vec::new();
    let mut inputs = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let input = fs::read(&path).unwrap();
        if catch_unwind(|| harness::run(&input)).is_err() {
            failures.push(path);
        }
        inputs += 1;
    }
    assert!(inputs > 100, "{inputs} inputs");
    assert!(failures.is_empty(), "{failures:#?}");
}
