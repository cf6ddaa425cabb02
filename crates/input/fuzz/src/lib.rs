//! Properties of every archive of images and every Parquet file, whatever its bytes.
//!
//! `tests/corpus.rs` of `rxrx-input` runs the corpus without a fuzzer.

pub mod archive;
pub mod containers;
