#![doc = include_str!("../README.md")]
//!
//! ## Modules
//!
//! ```text
//! read                        planes, sites and batches
//!  ├─ request                  neighbouring byte ranges, merged
//!  ├─ locate                   byte range of each chunk
//!  │   └─ chunk_position        a chunk in the grid of the array
//!  └─ pixels                   shape, type and bytes of the result
//! overview                    the images at about 64 x 64
//! tables                      sites, planes, statistics, embeddings, checksums, names
//! consistency                 comparison of the objects with each other
//! info                        a summary for people and programs
//!  ├─ objects                  the objects that are there, listed or asked for
//!  └─ whole                    whether all objects are there
//! dataset                     the root metadata, and the parts that are kept
//!  ├─ root                     the root metadata of a store
//!  └─ error
//! ```

mod chunk_position;
pub mod consistency;
mod dataset;
mod error;
mod info;
mod locate;
mod objects;
mod overview;
mod pixels;
mod read;
mod request;
mod root;
mod tables;
#[cfg(test)]
mod tests;
mod whole;

pub use self::dataset::Dataset;
pub use self::error::{DatasetError, DatasetErrorKind};
pub use self::info::DatasetInfo;
pub use self::objects::{AskedShards, Checked, listed};
pub use self::pixels::{Batch, Pixels, Plane, Site};
pub use self::root::{Owner, parse_root, read_root, root_bytes};
pub use self::tables::TableName;
pub use self::whole::{Gaps, ObjectCount};

/// Types of other crates that the methods of [`Dataset`] take and return.
pub use rxrx_format::{
    ArrayGeometry, ArrowTable, ChannelDescription, ChannelStats, Checksums, Codec, Column,
    ColumnMeaning, ColumnMeanings, ColumnValues, DataType, DatasetAttributes, Description,
    Embeddings, EmbeddingsTable, Integers, PlaneCounts, PlaneRow, PlaneSummary, PlateLabel,
    PlateRow, Root, Selection, SelectionError, Settings, SitesTable, Statistics, StoredSite, Texts,
    Window, WindowOrigin,
};
pub use rxrx_storage::{Location, LocationError, Store, StoreError, StoreOption};
