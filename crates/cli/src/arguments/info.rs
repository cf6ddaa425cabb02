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
  rxrx2zarr info https://host/rxrx1 --all

For an unfinished dataset it shows the progress, and whether a process is
working on it. Of a complete one it looks for all objects. Where the server
gives no list, as over plain HTTP, it asks for the small objects and for 64
shards; --all asks for all.

Exit codes: 0 a complete dataset, 1 unfinished, objects missing, or no
dataset, 2 wrong usage.";

#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(crate) struct InfoArguments {
    /// Dataset that convert made: a folder or an address
    #[arg(value_name = "DATASET")]
    dataset: OsString,

    /// Ask for every shard where the server gives no list
    #[arg(long)]
    pub(crate) all: bool,

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
