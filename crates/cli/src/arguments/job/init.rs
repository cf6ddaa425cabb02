//! Arguments of `job init`.

use std::num::NonZeroUsize;

use clap::Args;
use rxrx_writer::{Location, LocationError, PlanOptions};

use super::super::input::InputArguments;
use super::super::paths::PathArguments;
use super::super::whole_number::{from_one, jobs};

const EXAMPLES: &str = "\
Examples:
  rxrx2zarr job init rxrx1 rxrx1-zarr --parts 16
  rxrx2zarr job init rxrx1 huvec --parts 4 --include 'HUVEC-*' --codec delta-zstd

All options of convert that decide what is stored are given here, once. A part is
a range of shards; more parts than shards are not made. The same command again
keeps the job and what is done.

Exit codes: 0 planned, or complete already, 1 refused or failed, 2 wrong usage.";

#[derive(Debug, Args)]
#[command(
    after_long_help = EXAMPLES,
    override_usage = "rxrx2zarr job init [OPTIONS] --parts <N> [INPUT]... <OUTPUT>"
)]
pub(crate) struct JobInitArguments {
    #[command(flatten)]
    paths: PathArguments,

    /// Number of parts, each the work of one worker
    #[arg(long, value_name = "N", value_parser = from_one)]
    pub(crate) parts: NonZeroUsize,

    #[command(flatten)]
    pub(crate) input: InputArguments,

    /// Number of threads that read headers of images [default: all cores]
    #[arg(short, long, alias = "threads", value_name = "N", value_parser = jobs)]
    pub(crate) jobs: Option<NonZeroUsize>,

    /// Convert even if images are missing: their pixels become 0
    #[arg(long)]
    pub(crate) allow_missing: bool,

    /// Begin even if the dataset does not seem to fit on the disk of OUTPUT
    #[arg(long)]
    pub(crate) ignore_space: bool,

    /// Print the result, or the failure, as JSON (see docs/json.md)
    #[arg(long)]
    pub(crate) json: bool,
}

impl JobInitArguments {
    /// Whether there is an OUTPUT beside an INPUT.
    pub(in crate::arguments) fn has_output(&self) -> bool {
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
}
