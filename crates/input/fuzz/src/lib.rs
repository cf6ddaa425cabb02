//! Properties of every zip archive of images, whatever its bytes.
//!
//! `tests/corpus.rs` of `rxrx-input` runs the corpus without a fuzzer.

pub mod archive;
