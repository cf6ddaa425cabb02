//! Parquet files with encoded images as INPUT, on a disk or in a store: RxRx3-core, and the
//! form of data sets at Hugging Face.
//!
//! ```text
//! footer ──> columns: images (binary, or struct<bytes, path>) and their names
//! column of names ──> ShardIndex { path: shard, row group, row }   (once)
//! path ──> row group: one read, unpacked, kept for its other images
//! ```
//!
//! The column of images of a row group is the unit of reading. Row groups that were read
//! last are kept, up to [`source::KEPT`] bytes together; one with more than 1 GiB of images
//! is refused.
//!
//! [Parquet format](https://parquet.apache.org/docs/file-format/)

mod columns;
pub(crate) mod error;
mod group;
mod key;
pub(crate) mod source;
#[cfg(test)]
mod tests;
