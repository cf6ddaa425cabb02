//! Arguments that convert and plan share.

use std::ffi::OsString;
use std::num::NonZeroUsize;

use clap::Args;
use rxrx_writer::metadata::Layout;
use rxrx_writer::{Codec, Location, LocationError, PlanOptions, Tables, input_of_tables};

use super::names::NameArguments;
use super::store::StoreArguments;
use super::tables::TableArguments;

/// The input, the rows to convert, and the layout of the array.
#[derive(Debug, Args)]
pub(crate) struct InputArguments {
    /// Folder or zip archive with images named [images/]EXP/PlateN/WELL_sS_wC.png:
    /// a path, or an address s3://, gs://, az:// or http(s)://
    #[arg(value_name = "INPUT", required_unless_present = "path_columns")]
    input: Option<OsString>,

    #[command(flatten)]
    tables: TableArguments,

    #[command(flatten)]
    names: NameArguments,

    /// Table of embeddings (CSV, plain, .gz or in a .zip, or Parquet): site_id or well_id, and
    /// numbers
    #[arg(long, value_name = "FILE")]
    embeddings: Option<OsString>,

    /// Convert only these rows: an experiment (HUVEC-01, 'HUVEC-*') or COLUMN=VALUE;
    /// repeatable
    #[arg(long, value_name = "ROWS")]
    include: Vec<String>,

    /// Leave out these rows: an experiment or COLUMN=VALUE; repeatable
    #[arg(long, value_name = "ROWS")]
    exclude: Vec<String>,

    /// Number of sites in a chunk, which a reader decodes at once
    #[arg(long, value_name = "N", default_value = "1")]
    chunk_sites: NonZeroUsize,

    /// Number of channels in a chunk [default: all]
    #[arg(long, value_name = "N")]
    chunk_channels: Option<NonZeroUsize>,

    /// Number of sites in a shard, which is stored as one object; a multiple of --chunk-sites
    #[arg(long, value_name = "N", default_value = "64")]
    shard_sites: NonZeroUsize,

    /// Codec: blosc-zstd, zstd, blosc-lz4 (fastest) or delta-zstd (smallest)
    #[arg(long, value_name = "NAME", default_value_t)]
    pub(crate) codec: Codec,

    #[command(flatten)]
    pub(super) store: StoreArguments,
}

impl InputArguments {
    /// Returns INPUT. Where it is not given, it is the folder that all paths in the tables
    /// of `options` have in common.
    pub(crate) fn input(&self, options: &PlanOptions) -> anyhow::Result<Location> {
        Ok(match &self.input {
            Some(input) => self.store.location(input)?,
            None => input_of_tables(options, &self.store.store_options()?)?,
        })
    }

    /// Returns the tables, the rows and the layout.
    pub(crate) fn plan_options(&self) -> Result<PlanOptions, LocationError> {
        Ok(PlanOptions {
            tables: Tables {
                embeddings: self.store.optional(self.embeddings.as_ref())?,
                ..self.tables.tables(&self.store)?
            },
            names: self.names.options(),
            include: self.include.clone(),
            exclude: self.exclude.clone(),
            layout: Layout {
                chunk_sites: self.chunk_sites.get(),
                chunk_channels: self.chunk_channels.map(NonZeroUsize::get),
                shard_sites: self.shard_sites.get(),
            },
            ..PlanOptions::default()
        })
    }
}
