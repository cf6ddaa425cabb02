//! Arguments of `man`.

use clap::Args;

const EXAMPLES: &str = "\
Examples:
  rxrx2zarr man | man -l -
  rxrx2zarr man convert | man -l -
  rxrx2zarr man job run > rxrx2zarr-job-run.1

Exit codes: 0 printed, 1 failed, 2 wrong usage.";

#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(crate) struct ManArguments {
    /// Command, such as convert, or job run [default: the program]
    #[arg(value_name = "COMMAND")]
    pub(crate) command: Vec<String>,
}
