//! What must hold of any record of a journal, whoever made it up.
//!
//! `tests/corpus.rs` of `rxrx-writer` runs the corpus without a fuzzer.

pub mod journal;
