#![doc = include_str!("../README.md")]
//!
//! ## Modules
//!
//! ```text
//! keys                   the list of objects
//! root, version          the root group, its attributes and numbers
//!  └─ root_attributes, ome   the attributes as they are stored; those that viewers read
//! image_array            the metadata of the image array
//!  └─ chunk_grid, shard    chunks of a unit, planes of a chunk, the index of a shard
//!      └─ tile_grid          tiles of a plane
//!      └─ codec              chains of codecs; chunks, with the crate `rxrx-codec`
//! overview               the array of overviews, and its objects
//! labels                 the small arrays beside the images
//! tables                 the Parquet tables, written and read
//! card, croissant        README.md and croissant.json of a dataset
//!  └─ description, channel_description, column_meaning, plane_counts   texts and numbers
//!                         that they share
//! display_windows        display windows from the statistics of the planes
//! row_rules              rows to train on, negative controls
//! checksums, table_digest   SHA256SUMS, and the digest of the metadata table
//! switch                 metadata of a dataset that takes the place of another one
//! store_checksums        the checksums that an object store has of the objects
//! json                   documents that may be made to do harm
//! testing                values for tests
//! ```

mod array_name;
mod card;
mod channel_description;
mod checksums;
mod chunk_grid;
mod codec;
mod column_meaning;
mod croissant;
mod description;
mod display_windows;
mod image_array;
mod json;
pub mod keys;
mod labels;
mod ome;
mod overview;
mod plane_counts;
mod reader_versions;
mod root;
mod root_attributes;
mod row_rules;
mod shard;
mod split;
mod store_checksums;
mod switch;
mod table_digest;
mod tables;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
mod tile_grid;
mod version;

pub use self::array_name::{COLUMN_NAME_RULE, zarr_name};
pub use self::card::dataset_card;
pub use self::channel_description::{ChannelDescription, Window, WindowOrigin};
pub use self::checksums::{Checksums, Sha256Sum, checksum_list, parse_checksums, parse_line};
pub use self::chunk_grid::{ChunkAddress, PlanePosition, channel_chunks, site_chunks};
pub use self::codec::{
    ChunkDecodeError, ChunkDecoder, ChunkEncoder, ChunkEncoding, Codec, CodecError, EncoderScratch,
    GroupEncoder, GroupEncoding, GroupScratch, UnknownCodec, largest_chunk,
};
pub use self::column_meaning::{ColumnMeaning, ColumnMeanings};
pub use self::croissant::{StoredFile, croissant};
pub use self::description::Description;
pub use self::display_windows::DisplayWindows;
pub use self::image_array::{array_metadata, data_type_name, images_metadata, plane_shape};
pub use self::json::{JsonError, parse_json};
pub use self::labels::{Label, LabelError, label_names, label_values, labels};
pub use self::overview::{
    OverviewEncoder, overview_bytes_at_most, overview_decoder, overview_geometry, overview_metadata,
};
pub use self::plane_counts::PlaneCounts;
pub use self::reader_versions::{READER_VERSIONS, ReaderVersion};
pub use self::root::{DatasetAttributes, Root, RootError, Settings, root_metadata};
pub use self::row_rules::RowRules;
pub use self::shard::{ShardIndex, ShardIndexError, index_bytes, read_index, read_stored_index};
pub use self::split::PublishedSplit;
pub use self::store_checksums::{
    StoreChecksum, StoreChecksums, parse_store_checksums, store_checksums_document,
};
pub use self::switch::{SwitchMark, remove_switch};
pub use self::table_digest::table_sha256;
pub use self::tables::{
    ArrowTable, ChannelStats, ChannelSums, EmbeddingsDigest, EmbeddingsTable, PlaneRow, PlanesRead,
    PlanesTable, PlateLabel, PlateRow, PlateSums, ReadTableError, STATISTICS, SitePlace,
    SitesTable, Statistic, StoredSite, TableError, arrow_table_of, channel_stats, channel_stats_of,
    channel_stats_schema, channel_stats_table, channels_of, channels_schema, channels_table,
    each_plane_of, embeddings_of, embeddings_schema, embeddings_table, key_value_metadata,
    planes_of, planes_schema, plates_of, plates_schema, plates_table, sites_of, sites_schema,
    sites_table,
};
pub use self::tile_grid::TileGrid;
// The values of other crates that readers of a dataset need.
pub use rxrx_codec::DecoderScratch;
pub use rxrx_decoder::{PlaneSummary, Statistics};
pub use rxrx_metadata::{
    ArrayGeometry, Column, ColumnValues, DataType, Embeddings, Integers, Layout, PixelSize,
    Selection, SelectionError, Texts, Tiles, Unit,
};

pub use self::version::{
    ENCODER_REVISION, FORMAT_IS_DRAFT, FORMAT_VERSION, GENERATOR, OLDEST_FORMAT_VERSION,
};
