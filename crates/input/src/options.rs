//! Options of planning INPUT.

use std::num::NonZeroUsize;

use rxrx_metadata::{ColumnNameRule, Layout, NameOptions, PixelSize, ProfileChoice};

use crate::tables::Tables;

/// Options of a plan. By default every row is converted.
#[derive(Clone, Debug, Default)]
pub struct PlanOptions {
    /// The tables.
    pub tables: Tables,
    /// How images are named.
    pub names: NameOptions,
    /// Rows to convert (see [`Selection`](rxrx_metadata::Selection)); empty for all.
    pub include: Vec<String>,
    /// Rows to leave out.
    pub exclude: Vec<String>,
    /// Clauses that tell the negative controls, as those of `include`; empty where the
    /// profile tells them.
    pub controls: Vec<String>,
    /// Whether sites without any image are left out.
    pub only_present: bool,
    /// Side of a pixel in the specimen. It goes before what `rxrx2zarr.json` in INPUT and the
    /// profile say.
    pub pixel_size: Option<PixelSize>,
    /// Sizes of chunks and shards.
    pub layout: Layout,
    /// The rule for the names of the table's columns. Whoever stores the columns
    /// gives it: `rxrx_writer::plan_input` sets the rule of a dataset.
    pub column_names: ColumnNameRule,
    /// The profile of the data set. A choice goes before the one that `rxrx2zarr.json` in
    /// INPUT makes.
    pub profile: ProfileChoice,
    /// Most threads that compute; `None` means one for each core.
    pub jobs: Option<NonZeroUsize>,
}
