//! Properties of every table, archive and path, whatever their bytes.
//!
//! `tests/corpus.rs` of `rxrx-metadata` runs the corpora without a fuzzer.

pub mod archive;
pub mod path;
pub mod saved;
pub mod table;
