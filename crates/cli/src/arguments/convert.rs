//! Arguments of `convert`.

use std::num::NonZeroUsize;
use std::time::Duration;

use clap::Args;
use rxrx_writer::{Location, LocationError, LockKind, PlanOptions};

use super::input::InputArguments;
use super::memory::MemoryArguments;
use super::paths::PathArguments;
use super::whole_number::{jobs, seconds};

const EXAMPLES: &str = "\
Examples:
  rxrx2zarr convert rxrx1 rxrx1-zarr
  rxrx2zarr convert rxrx1-images.zip out --metadata rxrx1-metadata.zip
  rxrx2zarr convert https://host/rxrx1-images.zip out --metadata metadata.csv
  rxrx2zarr convert rxrx1 s3://bucket/rxrx1        with the credentials of the AWS tools
  rxrx2zarr convert images out --metadata metadata.csv.gz --codec delta-zstd
  rxrx2zarr convert rxrx1 huvec --include 'HUVEC-*' --include dataset=train
  rxrx2zarr convert plates out --profile rxrx19a   if it is not recognised
  rxrx2zarr convert rxrx1 out --allow-missing      pixels of missing images become 0
  rxrx2zarr convert plate1.zip plate2.tar out --metadata metadata.csv    several inputs as one
  rxrx2zarr convert rxrx1 out --only-present       without the sites that have no image
  rxrx2zarr convert rxrx1 out --retry-bad          after such images were repaired

The same command continues an interrupted run. If the dataset is complete, it
does nothing. The first Ctrl-C finishes the shards that can end within 5 seconds
(--grace), the second one stops at once.

Exit codes: 0 complete, 1 failed and nothing sealed, 2 wrong usage,
3 sealed but some images are missing or could not be used,
129, 130, 138 or 143 stopped by SIGHUP, SIGINT, SIGUSR1 or SIGTERM.";

#[derive(Debug, Args)]
#[command(
    after_long_help = EXAMPLES,
    override_usage = "rxrx2zarr convert [OPTIONS] [INPUT]... <OUTPUT>"
)]
pub(crate) struct ConvertArguments {
    #[command(flatten)]
    paths: PathArguments,

    #[command(flatten)]
    pub(crate) input: InputArguments,

    /// Number of threads that decode and encode [default: all cores]
    #[arg(short, long, alias = "threads", value_name = "N", value_parser = jobs)]
    pub(crate) jobs: Option<NonZeroUsize>,

    #[command(flatten)]
    pub(crate) memory: MemoryArguments,

    /// Seconds that shards in progress may take after a signal; what is left of them is
    /// dropped, and converted when the run is continued
    #[arg(long, value_name = "SECONDS", default_value = "5", value_parser = seconds)]
    grace: u32,

    /// Show what would be converted, whether it fits, and every problem; write nothing
    #[arg(short = 'n', long, conflicts_with_all = ["overwrite", "retry_bad"])]
    pub(crate) dry_run: bool,

    /// Convert even if images are missing: their pixels become 0
    #[arg(long)]
    pub(crate) allow_missing: bool,

    /// Stop at the first image that cannot be used
    #[arg(long)]
    pub(crate) strict: bool,

    /// Replace the complete or unfinished dataset at OUTPUT, once the new one is complete
    /// beside it
    #[arg(long)]
    pub(crate) overwrite: bool,

    /// Convert missing, unreadable and corrupt images of OUTPUT again, with the settings of OUTPUT
    #[arg(long, conflicts_with_all = [
        "overwrite", "strict", "include", "exclude", "controls", "only_present", "chunk_sites", "chunk_channels",
        "tile", "shard_sites", "codec", "NameArguments", "dataset_name", "license", "citation",
        "pixel_size",
    ])]
    pub(crate) retry_bad: bool,

    /// When a run is continued, compare the hashes of all finished shards, not only of those
    /// that are another file than was written
    #[arg(long)]
    pub(crate) recheck: bool,

    /// Begin even if the dataset does not seem to fit on the disk of OUTPUT
    #[arg(long)]
    pub(crate) ignore_space: bool,

    /// Keep other runs away by a lease in files, on a file system without locks; see
    /// docs/reliability.md
    #[arg(long, value_name = "KIND", value_parser = ["lease"])]
    lock: Option<String>,

    /// Print the result, or the failure, as JSON (see docs/json.md)
    #[arg(long)]
    pub(crate) json: bool,
}

impl ConvertArguments {
    /// Whether there is an OUTPUT beside an INPUT.
    pub(super) fn has_output(&self) -> bool {
        self.paths.has_output(&self.input)
    }

    /// Returns OUTPUT.
    pub(crate) fn output(&self) -> Result<Location, LocationError> {
        self.paths.output(&self.input)
    }

    /// Returns the INPUTs.
    pub(crate) fn inputs(&self, options: &PlanOptions) -> anyhow::Result<Vec<Location>> {
        self.paths.inputs(&self.input, options)
    }

    /// Returns how long shards in progress may take after a signal.
    pub(crate) fn grace(&self) -> Duration {
        Duration::from_secs(self.grace.into())
    }

    /// Returns how an OUTPUT that is a folder is locked.
    pub(crate) fn lock(&self) -> LockKind {
        match self.lock {
            Some(_) => LockKind::Lease,
            None => LockKind::System,
        }
    }
}
