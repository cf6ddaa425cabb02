//! Arguments of `plan`.

use std::ffi::OsString;

use clap::Args;
use rxrx_writer::{Location, LocationError, PlanOptions};

use super::input::InputArguments;
use super::memory::MemoryArguments;

const EXAMPLES: &str = "\
Examples:
  rxrx2zarr plan rxrx1
  rxrx2zarr plan rxrx1 --include HUVEC-01 --json
  rxrx2zarr plan rxrx1 --output rxrx1-zarr         also whether it fits on that disk

Exit codes: 0 planned, 1 cannot be converted or does not fit, 2 wrong usage. Missing images do
not change the code: convert needs --allow-missing for them.";

#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(crate) struct PlanArguments {
    /// Folder, zip or tar archive, folder of tars, or Parquet files, with images named
    /// [images/]EXP/PlateN/WELL_sS_wC.png: a path, or an address s3://, gs://, az:// or
    /// http(s)://; several are read as one
    #[arg(value_name = "INPUT", required_unless_present = "path_columns", num_args = 1..)]
    inputs: Vec<OsString>,

    #[command(flatten)]
    pub(crate) input: InputArguments,

    /// Folder or address to convert to: tell whether it can be used and has room enough
    #[arg(long, value_name = "OUTPUT")]
    output: Option<OsString>,

    #[command(flatten)]
    pub(crate) memory: MemoryArguments,

    /// Print the plan, or the failure, as JSON (see docs/json.md)
    #[arg(long)]
    pub(crate) json: bool,
}

impl PlanArguments {
    /// Returns the INPUTs.
    pub(crate) fn inputs(&self, options: &PlanOptions) -> anyhow::Result<Vec<Location>> {
        self.input.locations(&self.inputs, options)
    }

    /// Returns OUTPUT, if it is given.
    pub(crate) fn output(&self) -> Result<Option<Location>, LocationError> {
        self.input.store.optional(self.output.as_ref())
    }
}
