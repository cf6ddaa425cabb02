//! What must hold of any table, archive or path, whoever made it up.
//!
//! `tests/corpus.rs` of `rxrx-metadata` runs the corpora without a fuzzer.

pub mod archive;
pub mod path;
pub mod table;
