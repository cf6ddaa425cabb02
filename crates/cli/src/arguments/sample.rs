//! Arguments of `sample`.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::Args;

use super::whole_number::{from_one, jobs};

const EXAMPLES: &str = "\
Examples:
  rxrx2zarr sample rxrx1-sample
  rxrx2zarr sample tiny --sites 8 --size 64 --seed 7
  rxrx2zarr sample flawed --flaws                  one of each flaw that report finds

Exit codes: 0 complete, 1 failed, 2 wrong usage.";

#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(crate) struct SampleArguments {
    /// Folder to create
    #[arg(value_name = "DEST")]
    pub(crate) dest: PathBuf,

    /// Number of sites to make, with six images each
    #[arg(long, value_name = "N", default_value = "48", value_parser = from_one)]
    pub(crate) sites: NonZeroUsize,

    /// Seed of the random numbers: the same seed makes the same files
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) seed: u64,

    /// Width and height of an image in pixels
    #[arg(long, value_name = "PIXELS", default_value_t = 512, value_parser = clap::value_parser!(u32).range(16..=4096))]
    pub(crate) size: u32,

    /// Make flaws that rxrx2zarr report finds: a blurred, a saturated and an empty well, a
    /// bright edge, a missing plane, two equal ones, a vignette; prints where they are
    #[arg(long)]
    pub(crate) flaws: bool,

    /// Number of threads that draw and encode [default: all cores]
    #[arg(short, long, alias = "threads", value_name = "N", value_parser = jobs)]
    pub(crate) jobs: Option<NonZeroUsize>,
}
