//! Arguments that convert and plan share.

use std::ffi::OsString;
use std::num::NonZeroUsize;

use clap::Args;
use rxrx_writer::metadata::Layout;
use rxrx_writer::{Codec, Location, LocationError, PlanOptions};

use super::store::StoreArguments;

/// The input, the rows to convert, and the layout of the array.
#[derive(Debug, Args)]
pub(crate) struct InputArguments {
    /// Metadata table (.csv, .csv.gz, or a .zip of one): a path or an address
    /// [default: the table in INPUT]
    #[arg(long, value_name = "FILE")]
    metadata: Option<OsString>,

    /// Table of embeddings (.csv, .csv.gz, or a .zip of one): site_id and numbers
    #[arg(long, value_name = "FILE")]
    embeddings: Option<OsString>,

    /// Convert only these rows: an experiment (HUVEC-01, 'HUVEC-*') or COLUMN=VALUE;
    /// repeatable
    #[arg(long, value_name = "ROWS")]
    include: Vec<String>,

    /// Leave out these rows: an experiment or COLUMN=VALUE; repeatable
    #[arg(long, value_name = "ROWS")]
    exclude: Vec<String>,

    /// Leave out sites without any image
    #[arg(long)]
    only_present: bool,

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
    /// Returns the locations of INPUTs.
    pub(super) fn locations(&self, inputs: &[OsString]) -> Result<Vec<Location>, LocationError> {
        let inputs = inputs.iter();
        inputs.map(|input| self.store.location(input)).collect()
    }

    /// Returns the tables, the rows and the layout.
    pub(crate) fn plan_options(&self) -> Result<PlanOptions, LocationError> {
        Ok(PlanOptions {
            metadata: self.store.optional(self.metadata.as_ref())?,
            embeddings: self.store.optional(self.embeddings.as_ref())?,
            include: self.include.clone(),
            exclude: self.exclude.clone(),
            only_present: self.only_present,
            layout: Layout {
                chunk_sites: self.chunk_sites.get(),
                chunk_channels: self.chunk_channels.map(NonZeroUsize::get),
                shard_sites: self.shard_sites.get(),
            },
            ..PlanOptions::default()
        })
    }
}
