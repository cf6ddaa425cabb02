//! Arguments of `clean`.

use std::ffi::OsString;

use clap::Args;
use rxrx_writer::{CleanOptions, Location, LocationError};

use super::store::StoreArguments;

const EXAMPLES: &str = "\
Examples:
  rxrx2zarr clean rxrx1-zarr --dry-run
  rxrx2zarr clean s3://bucket/rxrx1
  rxrx2zarr clean rxrx1-zarr --abandon

Removes what runs that have ended left beside OUTPUT, and objects in a bucket
that a replacement has left at OUTPUT. A complete dataset is never touched, and
nothing is removed while a run is at work. --abandon gives up an unfinished run,
and what it has stored. In S3, uploads in parts that dead runs have not completed
are given up; elsewhere, a life-cycle rule of the bucket removes them.

Exit codes: 0 done, 1 refused or failed, 2 wrong usage.";

#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(crate) struct CleanArguments {
    /// Dataset, finished or not: a folder or an address
    #[arg(value_name = "OUTPUT")]
    output: OsString,

    /// Show what would be removed, and remove nothing
    #[arg(long)]
    dry_run: bool,

    /// Give up the unfinished run, or the dataset that is built to replace the one at OUTPUT
    #[arg(long)]
    abandon: bool,

    /// Print the result, or the failure, as JSON (see docs/json.md)
    #[arg(long)]
    pub(crate) json: bool,

    #[command(flatten)]
    store: StoreArguments,
}

impl CleanArguments {
    /// Returns OUTPUT.
    pub(crate) fn output(&self) -> Result<Location, LocationError> {
        self.store.folder(&self.output)
    }

    /// Returns the options.
    pub(crate) fn options(&self) -> CleanOptions {
        CleanOptions {
            dry_run: self.dry_run,
            abandon: self.abandon,
        }
    }
}
