//! Arguments of `montage`.

use std::ffi::OsString;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::Args;
use rxrx_writer::{Location, LocationError};

use super::store::StoreArguments;

const EXAMPLES: &str = "\
Examples:
  rxrx2zarr montage rxrx1-zarr --site HUVEC-01_1_B02_1 --output site.png
  rxrx2zarr montage rxrx1-zarr --sites picks.csv --output picks.png
  rxrx2zarr montage rxrx1-zarr --include well=B02 --channels w1,w3,w5 --output b02.png
  rxrx2zarr montage rxrx1-zarr --site HUVEC-01_1_B02_1 --channels w1 --output grey.png

All sites have the same windows, those of the dataset, at full resolution. One channel
is grey, two or three are in their colours. The scale bar is drawn only if the dataset
says the size of a pixel (convert --pixel-size). The licence is below the sites, and in
the text chunks of the PNG.

Exit codes: 0 written, 1 failed, 2 wrong usage.";

/// The most channels of a picture in colour.
pub(crate) const CHANNELS: usize = 3;

#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(crate) struct MontageArguments {
    /// Dataset that convert made: a folder or an address
    #[arg(value_name = "DATASET")]
    dataset: OsString,

    /// PNG file to write; one that is there is replaced when the new one is complete
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: PathBuf,

    #[command(flatten)]
    pub(crate) sites: MontageSites,

    /// Leave out the rows that fit a clause, with --include; repeatable
    #[arg(long, value_name = "CLAUSE", requires = "include")]
    pub(crate) exclude: Vec<String>,

    /// One to three channels, in the order of the legend [default: the first three]
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub(crate) channels: Vec<String>,

    /// Sites side by side [default: about as many as rows]
    #[arg(long, value_name = "N")]
    pub(crate) columns: Option<NonZeroUsize>,

    /// Print what was written, or the failure, as JSON (see docs/json.md)
    #[arg(long)]
    pub(crate) json: bool,

    #[command(flatten)]
    store: StoreArguments,
}

/// The sites of a picture, told in one of three ways.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct MontageSites {
    /// Id of a site; repeatable
    #[arg(long = "site", value_name = "SITE_ID")]
    pub(crate) ids: Vec<String>,

    /// CSV file with the columns site_id and note, as the page of a dataset saves it
    #[arg(long = "sites", value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,

    /// Rows that fit a clause, such as well=B02, as in convert; repeatable
    #[arg(long, value_name = "CLAUSE")]
    pub(crate) include: Vec<String>,
}

impl MontageArguments {
    /// Returns DATASET.
    pub(crate) fn dataset(&self) -> Result<Location, LocationError> {
        self.store.folder(&self.dataset)
    }
}
