//! The table of an RxRx dataset, the paths of its images, and the plan of
//! their conversion.
//!
//! ```text
//! metadata.csv ──> MetadataTable ──┐
//!                                  ├─> Join ──> Plan ──> Unit, Unit, …
//! EXP/PlateN/WELL_sS_wC.png ─> Listing ┘   └─> Problems
//! ```
//!
//! Knows nothing of pixels or Zarr: the size of the planes is given to the plan
//! by whoever looked into an image. Only [`MetadataTable::open`] and
//! [`list_folder`] touch the file system.
//!
//! Rows are in *array order* (experiment, plate, well, site) from the table on,
//! so that a [`SiteIndex`] means the same everywhere: row of the table, row of
//! `metadata.parquet`, position on the first axis. Axes are (site, channel, y,
//! x); positions count from 0; plates, sites and channels carry the numbers that
//! the dataset gave them, from 1. Sizes are in bytes of uncompressed pixels.

// All that this crate does is read what others wrote: nothing in it may fall over.
#![cfg_attr(
    not(test),
    warn(clippy::cast_possible_truncation, clippy::string_slice)
)]

mod array_name;
mod column;
mod discover;
mod embeddings;
mod join;
mod path;
mod plan;
mod problem;
mod select;
mod site;
mod table;
#[cfg(feature = "testing")]
pub mod testing;
mod well;

#[cfg(test)]
#[path = "../../../tests/real_data.rs"]
mod real_data;

pub use array_name::zarr_name;
pub use column::{Column, ColumnValues, Integers, Texts};
pub use discover::{DiscoverError, ImageFile, Listing, find_metadata, list_folder};
pub use embeddings::Embeddings;
pub use join::{Join, JoinError};
pub use path::{PlanePath, parse_plane_path};
pub use plan::{ArrayGeometry, DataType, Layout, Plan, PlanError, Unit};
pub use problem::{Problem, ProblemKind, Problems, Severity};
pub use select::{Selection, SelectionError};
pub use site::{Channel, ExperimentName, NotAChannel, SiteIndex, SiteKey};
pub use table::{MetadataError, MetadataTable, REQUIRED, SITE_ID};
pub use well::{NotAWell, Well};
