//! Arguments that convert and plan share.

use std::ffi::OsString;
use std::num::NonZeroUsize;

use clap::Args;
use rxrx_writer::metadata::{Layout, PixelSize, Tiles};
use rxrx_writer::{Codec, Location, LocationError, PlanOptions, Tables, input_of_tables};

use super::description::DescriptionArguments;
use super::names::NameArguments;
use super::store::StoreArguments;
use super::tables::TableArguments;
use super::whole_number::from_one;

/// The input, the rows to convert, and the layout of the array.
#[derive(Debug, Args)]
pub(crate) struct InputArguments {
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

    /// Negative controls, for the statistics of each plate: an experiment or COLUMN=VALUE;
    /// repeatable [default: what the profile says]
    #[arg(long, value_name = "ROWS")]
    controls: Vec<String>,

    /// Leave out sites without any image
    #[arg(long)]
    only_present: bool,

    /// Side of a pixel in the specimen, in micrometres, such as 0.65: image viewers draw a scale
    /// by it [default: from INPUT/rxrx2zarr.json or the profile, where they know it]
    #[arg(long, value_name = "MICROMETRES")]
    pixel_size: Option<PixelSize>,

    /// Number of sites in a chunk, which a reader decodes at once
    #[arg(long, value_name = "N", default_value = "1", value_parser = from_one)]
    chunk_sites: NonZeroUsize,

    /// Number of channels in a chunk [default: all if a site has at most 8 MiB, else 1]
    #[arg(long, value_name = "N", value_parser = from_one)]
    chunk_channels: Option<NonZeroUsize>,

    /// Cut planes into tiles of N x N pixels, of which each is a chunk; planes that are
    /// not larger are not cut [default: 1024 if a plane has more than 8 MiB]
    #[arg(long, value_name = "N", value_parser = from_one)]
    tile: Option<NonZeroUsize>,

    /// Number of sites in a shard, which is stored as one object; a multiple of --chunk-sites
    /// [default: a power of two, at most 64 sites and 1 GiB of pixels]
    #[arg(long, value_name = "N", value_parser = from_one)]
    shard_sites: Option<NonZeroUsize>,

    /// Codec: blosc-zstd, zstd, blosc-lz4 (fastest) or delta-zstd (smallest for 8-bit images);
    /// plan names the smallest
    #[arg(long, alias = "compression", value_name = "NAME", default_value_t)]
    pub(crate) codec: Codec,

    #[command(flatten)]
    pub(crate) description: DescriptionArguments,

    #[command(flatten)]
    pub(super) store: StoreArguments,
}

impl InputArguments {
    /// Returns the locations of INPUTs. Where none is given, it is the folder that all paths
    /// in the tables of `options` have in common.
    pub(super) fn locations(
        &self,
        inputs: &[OsString],
        options: &PlanOptions,
    ) -> anyhow::Result<Vec<Location>> {
        if inputs.is_empty() {
            let input = input_of_tables(options, &self.store.store_options()?)?;
            return Ok(vec![input]);
        }
        let inputs = inputs.iter().map(|input| self.store.location(input));
        Ok(inputs.collect::<Result<_, _>>()?)
    }

    /// Whether the tables say where the images are, so that INPUT may be left out.
    pub(super) fn has_path_columns(&self) -> bool {
        self.names.has_path_columns()
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
            controls: self.controls.clone(),
            only_present: self.only_present,
            pixel_size: self.pixel_size,
            layout: Layout {
                chunk_sites: self.chunk_sites.get(),
                chunk_channels: self.chunk_channels.map(NonZeroUsize::get),
                tiles: self
                    .tile
                    .map_or(Tiles::ByBytes, |tile| Tiles::Of(tile.get())),
                shard_sites: self.shard_sites.map(NonZeroUsize::get),
            },
            profile: self.description.profile.clone().unwrap_or_default(),
            ..PlanOptions::default()
        })
    }
}
