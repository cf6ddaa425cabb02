//! Arguments of `publish`.

use std::ffi::OsString;

use clap::Args;
use rxrx_writer::{Location, LocationError, PublishOptions};

use super::store::StoreArguments;

const EXAMPLES: &str = "\
Examples:
  rxrx2zarr publish rxrx1-zarr s3://bucket/rxrx1 --dry-run
  rxrx2zarr publish rxrx1-zarr s3://bucket/rxrx1 --verify

Objects that are at URL already with the right size and checksum are not
uploaded again, so that the same command continues an interrupted upload.
Access rights are not changed.

Exit codes: 0 published, 1 failed and nothing sealed, 2 wrong usage.";

#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(crate) struct PublishArguments {
    /// Dataset that convert made: a folder or an address
    #[arg(value_name = "DATASET")]
    dataset: OsString,

    /// Destination: s3://bucket/name, gs://bucket/name, az://container/name, or
    /// http(s)://host/bucket/name of a server that speaks S3
    #[arg(value_name = "URL")]
    url: OsString,

    /// Show what would be uploaded, and upload nothing
    #[arg(long)]
    dry_run: bool,

    /// Read all objects back after the upload, and compare them
    #[arg(long, conflicts_with = "dry_run")]
    verify: bool,

    /// Replace another dataset, or an unfinished one, at URL, once all new objects are there
    #[arg(long)]
    overwrite: bool,

    /// Print the result, or the failure, as JSON (see docs/json.md)
    #[arg(long)]
    pub(crate) json: bool,

    #[command(flatten)]
    store: StoreArguments,
}

impl PublishArguments {
    /// Returns DATASET.
    pub(crate) fn dataset(&self) -> Result<Location, LocationError> {
        self.store.folder(&self.dataset)
    }

    /// Returns URL.
    pub(crate) fn url(&self) -> Result<Location, LocationError> {
        self.store.folder(&self.url)
    }

    /// Returns the options of the upload.
    pub(crate) fn options(&self) -> PublishOptions {
        PublishOptions {
            dry_run: self.dry_run,
            verify: self.verify,
            overwrite: self.overwrite,
        }
    }
}
