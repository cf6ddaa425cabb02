//! Arguments of `convert`.

use std::ffi::OsString;
use std::num::NonZeroUsize;

use clap::Args;
use rxrx_writer::{
    Description, DescriptionError, Location, LocationError, LockKind, PlannedInput, describe,
};

use super::input::InputArguments;
use super::jobs::jobs;
use super::memory::MemoryArguments;

const EXAMPLES: &str = "\
Examples:
  rxrx2zarr convert rxrx1 rxrx1-zarr
  rxrx2zarr convert rxrx1-images.zip out --metadata rxrx1-metadata.zip
  rxrx2zarr convert https://host/rxrx1-images.zip out --metadata metadata.csv
  rxrx2zarr convert rxrx1 s3://bucket/rxrx1        with the credentials of the AWS tools
  rxrx2zarr convert images out --metadata metadata.csv.gz --codec delta-zstd
  rxrx2zarr convert rxrx1 huvec --include 'HUVEC-*' --include dataset=train
  rxrx2zarr convert rxrx1 out --allow-missing      pixels of missing images become 0
  rxrx2zarr convert rxrx1 out --retry-bad          after such images were repaired

The same command continues an interrupted run. If the dataset is complete, it
does nothing. The first Ctrl-C finishes the shards in progress, the second one
stops at once.

Exit codes: 0 complete, 1 failed and nothing sealed, 2 wrong usage,
3 sealed but some images are missing or could not be used,
129, 130, 138 or 143 stopped by SIGHUP, SIGINT, SIGUSR1 or SIGTERM.";

#[derive(Debug, Args)]
#[command(before_help = EXAMPLES, allow_missing_positional = true)]
pub(crate) struct ConvertArguments {
    #[command(flatten)]
    pub(crate) input: InputArguments,

    /// Folder to create, or an address: s3://, gs://, az:// or http(s)://host/bucket/name
    #[arg(value_name = "OUTPUT")]
    output: OsString,

    /// Number of threads that decode and encode [default: all cores]
    #[arg(short, long, value_name = "N", value_parser = jobs())]
    pub(crate) jobs: Option<NonZeroUsize>,

    #[command(flatten)]
    pub(crate) memory: MemoryArguments,

    /// Convert even if images are missing: their pixels become 0
    #[arg(long)]
    pub(crate) allow_missing: bool,

    /// Stop at the first image that cannot be used
    #[arg(long)]
    pub(crate) strict: bool,

    /// Replace the complete or unfinished dataset at OUTPUT, once the new one is complete
    /// beside it
    #[arg(long)]
    pub(crate) overwrite: bool,

    /// Convert missing, unreadable and corrupt images of OUTPUT again, with the settings of OUTPUT
    #[arg(long, conflicts_with_all = [
        "overwrite", "strict", "include", "exclude", "chunk_sites", "chunk_channels",
        "shard_sites", "codec", "NameArguments", "dataset_name", "license", "citation",
    ])]
    pub(crate) retry_bad: bool,

    /// When a run is continued, compare the hashes of the finished shards, not only their
    /// sizes
    #[arg(long)]
    pub(crate) recheck: bool,

    /// Begin even if the dataset does not seem to fit on the disk of OUTPUT
    #[arg(long)]
    pub(crate) ignore_space: bool,

    /// Keep other runs away by a lease in files, on a file system without locks; see
    /// docs/reliability.md
    #[arg(long, value_name = "KIND", value_parser = ["lease"])]
    lock: Option<String>,

    /// Name of the dataset [default: from INPUT/rxrx2zarr.json, or RxRx1]
    #[arg(long, value_name = "NAME")]
    dataset_name: Option<String>,

    /// Licence of the images, an SPDX identifier [default: from INPUT/rxrx2zarr.json, or
    /// CC-BY-NC-SA-4.0]
    #[arg(long, value_name = "SPDX")]
    license: Option<String>,

    /// Publication to cite [default: from INPUT/rxrx2zarr.json, or the RxRx1 paper]
    #[arg(long, value_name = "TEXT")]
    citation: Option<String>,

    /// Print the result, or the failure, as JSON (see docs/json.md)
    #[arg(long)]
    pub(crate) json: bool,
}

impl ConvertArguments {
    /// Returns OUTPUT.
    pub(crate) fn output(&self) -> Result<Location, LocationError> {
        self.input.store.folder(&self.output)
    }

    /// Returns how an OUTPUT that is a folder is locked.
    pub(crate) fn lock(&self) -> LockKind {
        match self.lock {
            Some(_) => LockKind::Lease,
            None => LockKind::System,
        }
    }

    /// Returns the description of the dataset: what the user gives, and otherwise
    /// what the input has.
    pub(crate) fn description(
        &self,
        prepared: &PlannedInput,
    ) -> Result<Description, DescriptionError> {
        let mut input = describe(prepared)?;
        if self.dataset_name.is_some() {
            // It is another dataset, which is not published at the same address.
            (input.url, input.creator) = (None, None);
        }
        Ok(Description {
            name: self.dataset_name.clone().unwrap_or(input.name),
            license: self.license.clone().unwrap_or(input.license),
            citation: self.citation.clone().unwrap_or(input.citation),
            url: input.url,
            creator: input.creator,
        })
    }
}
