//! Readers of the tables.
//!
//! They trust no byte of a table, which may be damaged or made by another program. Text
//! and pages of more than 64 MiB and 1 MiB a row, or of 4 GiB, are refused before memory
//! is taken for them.

mod arrow;
mod batch;
mod batches;
mod channel_stats;
mod channels;
mod embeddings;
mod error;
mod planes;
mod plates;
mod sites;

pub use self::arrow::{ArrowTable, arrow_table_of};
pub use self::channel_stats::channel_stats_of;
pub use self::channels::channels_of;
pub use self::embeddings::{EmbeddingsTable, embeddings_of};
pub use self::error::ReadTableError;
pub use self::planes::{PlanesRead, each_plane_of, planes_of};
pub use self::plates::plates_of;
pub use self::sites::{SitesTable, StoredSite, sites_of};
