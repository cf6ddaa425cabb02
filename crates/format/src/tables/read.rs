//! The tables back to the records that they were made from.
//!
//! Nothing of a table is believed: it may be damaged, or not ours. Memory is
//! bounded by the size of the object and 4 GiB of text.

mod batch;
mod batches;
mod channel_stats;
mod embeddings;
mod error;
mod planes;
mod sites;

pub use self::channel_stats::channel_stats_of;
pub use self::embeddings::{EmbeddingsTable, embeddings_of};
pub use self::error::ReadTableError;
pub use self::planes::planes_of;
pub use self::sites::{SitesTable, StoredSite, sites_of};
