#![doc = include_str!("../README.md")]
// Everything that this crate reads was written by others: it must not panic.
#![cfg_attr(
    not(test),
    warn(clippy::cast_possible_truncation, clippy::string_slice)
)]

mod column;
mod discover;
mod embeddings;
mod join;
mod names;
mod number;
mod path;
mod pixel_size;
mod plan;
mod plate;
mod problem;
mod profile;
mod select;
mod site;
mod table;
#[cfg(feature = "testing")]
pub mod testing;
mod well;

#[cfg(test)]
#[path = "../../../tests/real_data.rs"]
mod real_data;

pub use self::column::{Column, ColumnValues};
pub use self::discover::error::DiscoverError;
pub use self::discover::listing::{ImageFile, Listing};
pub use self::discover::others::OtherFiles;
pub use self::discover::parts::PlaneParts;
pub use self::discover::{find_metadata, find_well_tables, list_folder};
pub use self::embeddings::Embeddings;
pub use self::join::Join;
pub use self::join::error::JoinError;
pub use self::names::NameOptions;
pub use self::names::depth::{Depth, Projection};
pub use self::names::error::NamesError;
pub use self::names::proposal::Proposal;
pub use self::path::{PlanePath, parse_plane_path};
pub use self::pixel_size::{PixelSize, PixelSizeError};
pub use self::plan::Plan;
pub use self::plan::error::PlanError;
pub use self::plan::geometry::{ArrayGeometry, DataType, Layout, Tiles};
pub use self::plan::stored::{StoredPlan, StoredPlanError, StoredRows};
pub use self::plan::unit::Unit;
pub use self::plate::Plate;
pub use self::problem::{Problem, ProblemKind, Problems, Severity};
pub use self::profile::channel::ChannelProfile;
pub use self::profile::choice::ProfileChoice;
pub use self::profile::definition::{ColumnText, ImagesProfile, Profile};
pub use self::profile::error::ProfileError;
pub use self::profile::evidence::{Evidence, Observed};
pub use self::profile::input_description::InputDescription;
pub use self::profile::recognise::{Recognised, RecognisedBy};
pub use self::profile::rows::{NegativeControls, RowRule, Split};
pub use self::select::{Selection, SelectionError};
pub use self::site::{Channel, ExperimentName, NotAChannel, SiteIndex, SiteKey};
pub use self::table::aliases::ColumnAliases;
pub use self::table::builder::MetadataBuilder;
pub use self::table::column_names::ColumnNameRule;
pub use self::table::error::MetadataError;
pub use self::table::metadata_table::{MetadataTable, REQUIRED, SITE_ID};
pub use self::table::options::TableOptions;
pub use self::well::{NotAWell, Well};
pub use rxrx_tables::{Integers, PageSizes, TableFile, TableFileError, Texts, excerpt};
