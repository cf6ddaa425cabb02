//! Readers of the tables.
//!
//! They trust no byte of a table, which may be damaged or made by another program. The
//! size of the object and 4 GiB of text limit the memory.

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
