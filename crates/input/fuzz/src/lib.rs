//! What must hold of any zip archive of images, whoever made it up.
//!
//! `tests/corpus.rs` of `rxrx-input` runs the corpus without a fuzzer.

pub mod archive;
