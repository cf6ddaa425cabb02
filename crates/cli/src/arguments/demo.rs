//! Arguments of `demo`.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::Args;

use super::whole_number::{from_one, jobs};

const EXAMPLES: &str = "\
Examples:
  rxrx2zarr demo
  rxrx2zarr demo /tmp/demo --sites 48

Exit codes: 0 complete, 1 failed, 2 wrong usage.";

#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(crate) struct DemoArguments {
    /// Folder to create, for the sample and the dataset
    #[arg(value_name = "DEST", default_value = "rxrx2zarr-demo")]
    pub(crate) dest: PathBuf,

    /// Number of sites to make, with six images each
    #[arg(long, value_name = "N", default_value = "8", value_parser = from_one)]
    pub(crate) sites: NonZeroUsize,

    /// Number of threads that draw, decode and encode [default: all cores]
    #[arg(short, long, alias = "threads", value_name = "N", value_parser = jobs)]
    pub(crate) jobs: Option<NonZeroUsize>,
}
