//! The command line. No type of this module leaves the CLI.

use std::ffi::{OsStr, OsString};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;

use clap::builder::TypedValueParser;
use clap::{Args, Parser, Subcommand};
use rxrx_metadata::Layout;
use rxrx_writer::{
    Codec, Description, DescriptionError, Location, LocationError, PlanOptions, Prepared,
    PublishOptions, StoreOption,
};

const PROGRAM_EXAMPLES: &str = "\
Examples:
  rxrx2zarr demo                               make a small sample, convert it, say how to open it
  rxrx2zarr plan rxrx1                         what would be converted, and every problem seen
  rxrx2zarr convert rxrx1 rxrx1-zarr           convert the folder rxrx1
  rxrx2zarr convert rxrx1-images.zip rxrx1-zarr --metadata rxrx1-metadata.zip
  rxrx2zarr convert rxrx1 s3://bucket/rxrx1    straight into a bucket
  rxrx2zarr verify rxrx1-zarr --source rxrx1   read it all back, compare every pixel
  rxrx2zarr info rxrx1-zarr                    what is in a dataset, and how to open it
  rxrx2zarr publish rxrx1-zarr s3://bucket/rxrx1";

const CONVERT_EXAMPLES: &str = "\
Examples:
  rxrx2zarr convert rxrx1 rxrx1-zarr
  rxrx2zarr convert rxrx1-images.zip out --metadata rxrx1-metadata.zip
  rxrx2zarr convert https://host/rxrx1-images.zip out --metadata metadata.csv
  rxrx2zarr convert rxrx1 s3://bucket/rxrx1        credentials as the AWS tools have them
  rxrx2zarr convert images out --metadata metadata.csv.gz --codec delta-zstd
  rxrx2zarr convert rxrx1 huvec --include 'HUVEC-*' --include dataset=train
  rxrx2zarr convert rxrx1 out --allow-missing      missing images become 0, exit code 3
  rxrx2zarr convert rxrx1 out --retry-bad          after such images were repaired

The same command continues a run that was cut off, and does nothing when the
dataset is complete. Ctrl-C finishes the shards in hand, a second one does not.

Exit codes: 0 complete, 1 failed and nothing sealed, 2 wrong usage,
3 sealed but some images are missing or could not be used,
130 or 143 stopped by SIGINT or SIGTERM.";

const PLAN_EXAMPLES: &str = "\
Examples:
  rxrx2zarr plan rxrx1
  rxrx2zarr plan rxrx1 --include HUVEC-01 --json

Exit codes: 0 planned, 1 cannot be converted, 2 wrong usage. Missing images do
not change the code: convert asks for --allow-missing then.";

const VERIFY_EXAMPLES: &str = "\
Examples:
  rxrx2zarr verify rxrx1-zarr                      checksums, shards, pixels, tables, labels
  rxrx2zarr verify rxrx1-zarr --source rxrx1       and every pixel against its image
  rxrx2zarr verify out --source images --metadata metadata.csv.gz --json

Exit codes: 0 all is as recorded, 1 it is not, or cannot be verified,
2 wrong usage.";

const INFO_EXAMPLES: &str = "\
Examples:
  rxrx2zarr info rxrx1-zarr
  rxrx2zarr info rxrx1-zarr --json
  rxrx2zarr info s3://bucket/rxrx1 --store-option skip_signature=true

Of an unfinished one it tells how far it is, and whether a run is at it.

Exit codes: 0 a complete dataset, 1 unfinished or no dataset, 2 wrong usage.";

const PUBLISH_EXAMPLES: &str = "\
Examples:
  rxrx2zarr publish rxrx1-zarr s3://bucket/rxrx1 --dry-run
  rxrx2zarr publish rxrx1-zarr s3://bucket/rxrx1 --verify

What is there already with the right size and checksum is not uploaded again, so
the same command goes on where one was cut off. Nothing is made public.

Exit codes: 0 published, 1 failed and nothing sealed, 2 wrong usage.";

const SAMPLE_EXAMPLES: &str = "\
Examples:
  rxrx2zarr sample look-alike
  rxrx2zarr sample tiny --sites 8 --size 64 --seed 7

Exit codes: 0 made, 1 failed, 2 wrong usage.";

const DEMO_EXAMPLES: &str = "\
Examples:
  rxrx2zarr demo
  rxrx2zarr demo /tmp/demo --sites 48

Exit codes: 0 complete, 1 failed, 2 wrong usage.";

/// Turn RxRx1's 753,060 PNG files into one sharded Zarr v3 array with Parquet
/// tables, ready for xarray, DuckDB and object storage.
#[derive(Debug, Parser)]
#[command(version, before_help = PROGRAM_EXAMPLES, max_term_width = 100)]
pub(crate) struct Program {
    #[command(subcommand)]
    pub(crate) command: Command,

    /// Print nothing but results and errors
    #[arg(
        short,
        long,
        global = true,
        display_order = 900,
        conflicts_with = "verbose"
    )]
    quiet: bool,

    /// Print each stored object, and every known example of a problem
    #[arg(short, long, global = true, display_order = 901)]
    verbose: bool,
}

/// How much to tell on standard error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verbosity {
    Quiet,
    Normal,
    Verbose,
}

impl Program {
    pub(crate) fn verbosity(&self) -> Verbosity {
        match (self.quiet, self.verbose) {
            (true, _) => Verbosity::Quiet,
            (_, true) => Verbosity::Verbose,
            _ => Verbosity::Normal,
        }
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Convert a folder or zip archive of PNG files and its metadata table
    Convert(ConvertArguments),
    /// Show what convert would do and every problem it sees, writing nothing
    Plan(PlanArguments),
    /// Read a dataset back and report all that is not as it was written
    Verify(VerifyArguments),
    /// Show what is in a dataset and how to open it
    Info(InfoArguments),
    /// Copy a finished dataset to an object store, the root metadata last
    Publish(PublishArguments),
    /// Make a small look-alike of RxRx1: synthetic cells, same layout and table
    Sample(SampleArguments),
    /// Make a sample, convert it, and show how to open the result
    Demo(DemoArguments),
}

/// How to reach object stores.
#[derive(Debug, Args)]
pub(crate) struct StoreArguments {
    /// For addresses: how to reach the store, such as endpoint or region; repeatable
    #[arg(long = "store-option", value_name = "KEY=VALUE", display_order = 800)]
    options: Vec<String>,
}

impl StoreArguments {
    /// What the user calls a place. Clap does not get to see why one cannot be
    /// used: it would repeat the argument, with the secrets in it.
    pub(crate) fn location(&self, place: &OsStr) -> Result<Location, LocationError> {
        let options = self.options.iter().map(|option| StoreOption::parse(option));
        let options: Arc<[StoreOption]> = options.collect::<Result<_, _>>()?;
        Location::parse(place, &options)
    }

    fn optional(&self, place: Option<&OsString>) -> Result<Option<Location>, LocationError> {
        place.map(|place| self.location(place)).transpose()
    }
}

/// Threads that a machine can be asked for: where it has no more to give, the
/// program would fall over rather than complain.
const JOBS_AT_MOST: u16 = 1024;

fn jobs() -> impl TypedValueParser<Value = NonZeroUsize> {
    clap::value_parser!(u16)
        .range(1..=i64::from(JOBS_AT_MOST))
        .try_map(|jobs| NonZeroUsize::try_from(usize::from(jobs)))
}

/// What to convert and how to lay it out; the same for convert and plan.
#[derive(Debug, Args)]
pub(crate) struct InputArguments {
    /// Folder or zip with images as [images/]EXP/PlateN/WELL_sS_wC.png, here or at
    /// s3://, gs://, az:// or http(s)://
    #[arg(value_name = "INPUT")]
    input: OsString,

    /// Metadata table (.csv, .csv.gz, or .zip with one), a file or an address
    /// [default: found in INPUT]
    #[arg(long, value_name = "FILE")]
    metadata: Option<OsString>,

    /// Table of embeddings (.csv, .csv.gz, or .zip with one): site_id and numbers
    #[arg(long, value_name = "FILE")]
    embeddings: Option<OsString>,

    /// Only these rows: an experiment (HUVEC-01, 'HUVEC-*') or COLUMN=VALUE; repeatable
    #[arg(long, value_name = "ROWS")]
    include: Vec<String>,

    /// Not these rows: an experiment or COLUMN=VALUE; repeatable
    #[arg(long, value_name = "ROWS")]
    exclude: Vec<String>,

    /// Sites in a chunk, the least that a reader decodes
    #[arg(long, value_name = "N", default_value = "1")]
    chunk_sites: NonZeroUsize,

    /// Channels in a chunk [default: all]
    #[arg(long, value_name = "N")]
    chunk_channels: Option<NonZeroUsize>,

    /// Sites in a shard, one stored object; a multiple of --chunk-sites
    #[arg(long, value_name = "N", default_value = "64")]
    shard_sites: NonZeroUsize,

    /// Codec: blosc-zstd, zstd, blosc-lz4 (fastest) or delta-zstd (smallest)
    #[arg(long, value_name = "NAME", default_value_t)]
    pub(crate) codec: Codec,

    #[command(flatten)]
    pub(crate) store: StoreArguments,
}

impl InputArguments {
    pub(crate) fn input(&self) -> Result<Location, LocationError> {
        self.store.location(&self.input)
    }

    pub(crate) fn plan_options(&self) -> Result<PlanOptions, LocationError> {
        Ok(PlanOptions {
            metadata: self.store.optional(self.metadata.as_ref())?,
            embeddings: self.store.optional(self.embeddings.as_ref())?,
            include: self.include.clone(),
            exclude: self.exclude.clone(),
            layout: Layout {
                chunk_sites: self.chunk_sites.get(),
                chunk_channels: self.chunk_channels.map(NonZeroUsize::get),
                shard_sites: self.shard_sites.get(),
            },
        })
    }
}

#[derive(Debug, Args)]
#[command(before_help = CONVERT_EXAMPLES)]
pub(crate) struct ConvertArguments {
    #[command(flatten)]
    pub(crate) input: InputArguments,

    /// Folder to create, or an address: s3://, gs://, az:// or http(s)://host/bucket/name
    #[arg(value_name = "OUTPUT")]
    output: OsString,

    /// Threads that decode and encode [default: all cores]
    #[arg(short, long, value_name = "N", value_parser = jobs())]
    pub(crate) jobs: Option<NonZeroUsize>,

    /// Convert although images are missing: their pixels become 0
    #[arg(long)]
    pub(crate) allow_missing: bool,

    /// Stop at the first image that cannot be used
    #[arg(long)]
    pub(crate) strict: bool,

    /// Start over: replace the dataset, or the unfinished one, at OUTPUT
    #[arg(long)]
    pub(crate) overwrite: bool,

    /// Convert again what is missing or corrupt in OUTPUT, with the settings of OUTPUT
    #[arg(long, conflicts_with_all = [
        "overwrite", "strict", "include", "exclude", "chunk_sites", "chunk_channels",
        "shard_sites", "codec", "dataset_name", "license", "citation",
    ])]
    pub(crate) retry_bad: bool,

    /// Continuing a run, compare hashes of the shards that are done, not only sizes
    #[arg(long)]
    pub(crate) recheck: bool,

    /// Name of the dataset [default: as INPUT/rxrx2zarr.json says, or RxRx1]
    #[arg(long, value_name = "NAME")]
    dataset_name: Option<String>,

    /// Licence of the images (SPDX) [default: likewise, CC-BY-NC-SA-4.0]
    #[arg(long, value_name = "SPDX")]
    license: Option<String>,

    /// Whom to cite [default: likewise, the RxRx1 paper]
    #[arg(long, value_name = "TEXT")]
    citation: Option<String>,

    /// Print the result as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

impl ConvertArguments {
    pub(crate) fn output(&self) -> Result<Location, LocationError> {
        self.input.store.location(&self.output)
    }

    /// What the user says of the dataset, or else what the input says of itself.
    pub(crate) fn description(&self, prepared: &Prepared) -> Result<Description, DescriptionError> {
        let mut input = prepared.description()?;
        if self.dataset_name.is_some() {
            // Another dataset: it is not published where this one is.
            (input.url, input.creator) = (None, None);
        }
        Ok(Description {
            name: self.dataset_name.clone().unwrap_or(input.name),
            license: self.license.clone().unwrap_or(input.license),
            citation: self.citation.clone().unwrap_or(input.citation),
            url: input.url,
            creator: input.creator,
        })
    }
}

#[derive(Debug, Args)]
#[command(before_help = PLAN_EXAMPLES)]
pub(crate) struct PlanArguments {
    #[command(flatten)]
    pub(crate) input: InputArguments,

    /// Print the plan as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
#[command(before_help = VERIFY_EXAMPLES)]
pub(crate) struct VerifyArguments {
    /// A dataset that convert made: a folder or an address
    #[arg(value_name = "DATASET")]
    dataset: OsString,

    /// What it was made from: compare every pixel, with another PNG decoder
    #[arg(long, value_name = "INPUT")]
    source: Option<OsString>,

    /// Metadata table of the source [default: found in INPUT]
    #[arg(long, value_name = "FILE", requires = "source")]
    metadata: Option<OsString>,

    /// Threads that hash and decode [default: all cores]
    #[arg(short, long, value_name = "N")]
    pub(crate) jobs: Option<NonZeroUsize>,

    /// Print the report as JSON
    #[arg(long)]
    pub(crate) json: bool,

    #[command(flatten)]
    store: StoreArguments,
}

impl VerifyArguments {
    pub(crate) fn dataset(&self) -> Result<Location, LocationError> {
        self.store.location(&self.dataset)
    }

    pub(crate) fn source(&self) -> Result<Option<Location>, LocationError> {
        self.store.optional(self.source.as_ref())
    }

    pub(crate) fn metadata(&self) -> Result<Option<Location>, LocationError> {
        self.store.optional(self.metadata.as_ref())
    }
}

#[derive(Debug, Args)]
#[command(before_help = INFO_EXAMPLES)]
pub(crate) struct InfoArguments {
    /// A dataset that convert made: a folder or an address
    #[arg(value_name = "DATASET")]
    dataset: OsString,

    /// Print as JSON
    #[arg(long)]
    pub(crate) json: bool,

    #[command(flatten)]
    store: StoreArguments,
}

impl InfoArguments {
    pub(crate) fn dataset(&self) -> Result<Location, LocationError> {
        self.store.location(&self.dataset)
    }
}

#[derive(Debug, Args)]
#[command(before_help = PUBLISH_EXAMPLES)]
pub(crate) struct PublishArguments {
    /// A dataset that convert made: a folder or an address
    #[arg(value_name = "DATASET")]
    dataset: OsString,

    /// Where to: s3://bucket/name, gs://bucket/name, az://container/name, or
    /// http(s)://host/bucket/name of a server that speaks S3
    #[arg(value_name = "URL")]
    url: OsString,

    /// Show what would be uploaded, and upload nothing
    #[arg(long)]
    dry_run: bool,

    /// Read everything back when it is there, and compare
    #[arg(long, conflicts_with = "dry_run")]
    verify: bool,

    /// Replace another dataset, or unfinished work, at URL
    #[arg(long)]
    overwrite: bool,

    /// Print the result as JSON
    #[arg(long)]
    pub(crate) json: bool,

    #[command(flatten)]
    store: StoreArguments,
}

impl PublishArguments {
    pub(crate) fn dataset(&self) -> Result<Location, LocationError> {
        self.store.location(&self.dataset)
    }

    pub(crate) fn url(&self) -> Result<Location, LocationError> {
        self.store.location(&self.url)
    }

    pub(crate) fn options(&self) -> PublishOptions {
        PublishOptions {
            dry_run: self.dry_run,
            verify: self.verify,
            overwrite: self.overwrite,
        }
    }
}

#[derive(Debug, Args)]
#[command(before_help = SAMPLE_EXAMPLES)]
pub(crate) struct SampleArguments {
    /// Folder to create
    #[arg(value_name = "DEST")]
    pub(crate) dest: PathBuf,

    /// Sites to make, of six images each
    #[arg(long, value_name = "N", default_value = "48")]
    pub(crate) sites: NonZeroUsize,

    /// The same seed makes the same files
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) seed: u64,

    /// Width and height of an image in pixels
    #[arg(long, value_name = "PIXELS", default_value_t = 512, value_parser = clap::value_parser!(u32).range(16..=4096))]
    pub(crate) size: u32,

    /// Number of threads that draw and encode [default: all cores]
    #[arg(short, long, value_name = "N", value_parser = jobs())]
    pub(crate) jobs: Option<NonZeroUsize>,
}

#[derive(Debug, Args)]
#[command(before_help = DEMO_EXAMPLES)]
pub(crate) struct DemoArguments {
    /// Folder to create, for the sample and the dataset
    #[arg(value_name = "DEST", default_value = "rxrx2zarr-demo")]
    pub(crate) dest: PathBuf,

    /// Sites to make, of six images each
    #[arg(long, value_name = "N", default_value = "8")]
    pub(crate) sites: NonZeroUsize,

    /// Number of threads that draw, decode and encode [default: all cores]
    #[arg(short, long, value_name = "N", value_parser = jobs())]
    pub(crate) jobs: Option<NonZeroUsize>,
}
