//! What must hold of any record of a journal, and of any zip archive of images,
//! whoever made it up.
//!
//! `tests/corpus.rs` of `rxrx-writer` runs the corpus without a fuzzer.

pub mod archive;
pub mod journal;
