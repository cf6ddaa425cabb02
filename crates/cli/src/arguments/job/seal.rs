//! Arguments of `job seal`.

use std::ffi::OsString;
use std::num::NonZeroUsize;

use clap::Args;
use rxrx_writer::{Location, LocationError};

use super::super::store::StoreArguments;
use super::super::whole_number::jobs;

const EXAMPLES: &str = "\
Examples:
  rxrx2zarr job seal rxrx1-zarr

Refuses while workers run, and names the parts that are missing. A shard whose
file is another one than its worker wrote is read and compared.

Exit codes: 0 complete, 1 failed and nothing sealed, 2 wrong usage,
3 sealed but some images are missing or could not be used.";

#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(crate) struct JobSealArguments {
    /// OUTPUT of `job init`
    #[arg(value_name = "OUTPUT")]
    output: OsString,

    /// Number of threads that read the records [default: all cores]
    #[arg(short, long, alias = "threads", value_name = "N", value_parser = jobs)]
    pub(crate) jobs: Option<NonZeroUsize>,

    /// Print the result, or the failure, as JSON (see docs/json.md)
    #[arg(long)]
    pub(crate) json: bool,

    #[command(flatten)]
    store: StoreArguments,
}

impl JobSealArguments {
    /// Returns OUTPUT.
    pub(crate) fn output(&self) -> Result<Location, LocationError> {
        self.store.folder(&self.output)
    }
}
