//! Arguments of `info`.

use std::ffi::OsString;

use clap::Args;
use rxrx_writer::{Location, LocationError};

use super::store::StoreArguments;

const EXAMPLES: &str = "\
Examples:
  rxrx2zarr info rxrx1-zarr
  rxrx2zarr info rxrx1-zarr --json
  rxrx2zarr info s3://bucket/rxrx1 --store-option skip_signature=true

For an unfinished dataset it shows the progress, and whether a process is
working on it.

Exit codes: 0 a complete dataset, 1 unfinished or no dataset, 2 wrong usage.";

#[derive(Debug, Args)]
#[command(before_help = EXAMPLES)]
pub(crate) struct InfoArguments {
    /// Dataset that convert made: a folder or an address
    #[arg(value_name = "DATASET")]
    dataset: OsString,

    /// Print the result, or the failure, as JSON (see docs/json.md)
    #[arg(long)]
    pub(crate) json: bool,

    #[command(flatten)]
    store: StoreArguments,
}

impl InfoArguments {
    /// Returns DATASET.
    pub(crate) fn dataset(&self) -> Result<Location, LocationError> {
        self.store.folder(&self.dataset)
    }
}
