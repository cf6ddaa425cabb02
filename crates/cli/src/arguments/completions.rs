//! Arguments of `completions`.

use clap::Args;
use clap_complete::Shell;

const EXAMPLES: &str = "\
Examples:
  rxrx2zarr completions bash > ~/.local/share/bash-completion/completions/rxrx2zarr
  rxrx2zarr completions zsh > ~/.zfunc/_rxrx2zarr
  rxrx2zarr completions fish > ~/.config/fish/completions/rxrx2zarr.fish

Exit codes: 0 printed, 1 failed, 2 wrong usage.";

#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(crate) struct CompletionsArguments {
    /// The shell
    #[arg(value_name = "SHELL")]
    pub(crate) shell: Shell,
}
