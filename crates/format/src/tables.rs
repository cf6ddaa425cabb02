//! The Parquet tables of a dataset.
//!
//! The tables of sites and planes are ordered by `site_index`. All tables are compressed
//! with Zstd, and have statistics, a page index and Bloom filters, so that a reader finds
//! one site among 125,510 with a few small requests. Row group *i* of `planes.parquet`
//! covers the same sites as row group *i* of `metadata.parquet`.

mod channel_stats;
pub(crate) mod channels;
pub(crate) mod embeddings;
mod encodings;
mod key_value_metadata;
pub(crate) mod plane_row;
mod planes;
pub(crate) mod plates;
mod read;
pub(crate) mod schema;
mod sites;
mod statistics;
#[cfg(test)]
mod tests;
mod writer;

pub use self::channel_stats::{
    ChannelStats, ChannelSums, PlateLabel, channel_stats, channel_stats_table,
};
pub use self::channels::{channels_schema, channels_table};
pub use self::embeddings::{EmbeddingsDigest, embeddings_table};
pub use self::key_value_metadata::key_value_metadata;
pub use self::plane_row::PlaneRow;
pub use self::planes::PlanesTable;
pub use self::plates::{PlateRow, PlateSums, plates_schema, plates_table};
pub use self::read::{
    ArrowTable, EmbeddingsTable, PlanesRead, ReadTableError, SitesTable, StoredSite,
    arrow_table_of, channel_stats_of, channels_of, each_plane_of, embeddings_of, planes_of,
    plates_of, sites_of,
};
pub use self::schema::{channel_stats_schema, embeddings_schema, planes_schema, sites_schema};
pub use self::sites::{SitePlace, sites_table};
pub use self::statistics::{STATISTICS, Statistic};
pub use self::writer::TableError;
