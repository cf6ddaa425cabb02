//! Arguments of `job status`.

use std::ffi::OsString;

use clap::Args;
use rxrx_writer::{Location, LocationError};

use super::super::store::StoreArguments;

const EXAMPLES: &str = "\
Examples:
  rxrx2zarr job status rxrx1-zarr
  sbatch --array=$(rxrx2zarr job status rxrx1-zarr --missing) part.sbatch

Exit codes: 0 shown, 1 there is no job, or it cannot be read, 2 wrong usage.";

#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(crate) struct JobStatusArguments {
    /// OUTPUT of `job init`
    #[arg(value_name = "OUTPUT")]
    output: OsString,

    /// Print only the parts that are not done, such as 3,7-9; nothing if all are
    #[arg(long, conflicts_with = "json")]
    pub(crate) missing: bool,

    /// Print the result, or the failure, as JSON (see docs/json.md)
    #[arg(long)]
    pub(crate) json: bool,

    #[command(flatten)]
    store: StoreArguments,
}

impl JobStatusArguments {
    /// Returns OUTPUT.
    pub(crate) fn output(&self) -> Result<Location, LocationError> {
        self.store.folder(&self.output)
    }
}
