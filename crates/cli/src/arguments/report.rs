//! Arguments of `report`.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Args;
use rxrx_writer::{Location, LocationError};

use super::store::StoreArguments;

const EXAMPLES: &str = "\
Examples:
  rxrx2zarr report rxrx1-zarr                      what is wrong with the images, and why
  rxrx2zarr report rxrx1-zarr -v                   all flags, and the medians of all plates
  rxrx2zarr report s3://bucket/rxrx1 --json        for programs
  rxrx2zarr report rxrx1-zarr --fail-on-flags      for CI: exit code 4 if there is a flag
  rxrx2zarr report rxrx1-zarr --sites picks.csv    only these sites and their plates

It reads the tables and the small images of a dataset, and no image at full size.
docs/quality.md gives each threshold and its reason.

Exit codes: 0 reported, 1 the dataset cannot be read, 2 wrong usage, 4 there are flags
and --fail-on-flags was given.";

#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(crate) struct ReportArguments {
    /// Dataset that convert made: a folder or an address
    #[arg(value_name = "DATASET")]
    dataset: OsString,

    /// Tell only the flags of the sites in this CSV file (columns site_id, note), and of their
    /// plates
    #[arg(long, value_name = "FILE")]
    pub(crate) sites: Option<PathBuf>,

    /// End with exit code 4 if there are flags
    #[arg(long)]
    pub(crate) fail_on_flags: bool,

    /// Print the report, or the failure, as JSON (see docs/json.md)
    #[arg(long)]
    pub(crate) json: bool,

    #[command(flatten)]
    store: StoreArguments,
}

impl ReportArguments {
    /// Returns DATASET.
    pub(crate) fn dataset(&self) -> Result<Location, LocationError> {
        self.store.folder(&self.dataset)
    }
}
