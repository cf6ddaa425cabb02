//! Arguments of `plan`.

use clap::Args;

use super::input::InputArguments;

const EXAMPLES: &str = "\
Examples:
  rxrx2zarr plan rxrx1
  rxrx2zarr plan rxrx1 --include HUVEC-01 --json

Exit codes: 0 planned, 1 cannot be converted, 2 wrong usage. Missing images do
not change the code: convert needs --allow-missing for them.";

#[derive(Debug, Args)]
#[command(before_help = EXAMPLES)]
pub(crate) struct PlanArguments {
    #[command(flatten)]
    pub(crate) input: InputArguments,

    /// Print the plan, or the failure, as JSON (see docs/json.md)
    #[arg(long)]
    pub(crate) json: bool,
}
