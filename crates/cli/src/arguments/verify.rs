//! Arguments of `verify`.

use std::ffi::OsString;
use std::num::NonZeroUsize;

use clap::Args;
use rxrx_writer::metadata::ProfileChoice;
use rxrx_writer::{Location, LocationError, Tables};

use super::description::profile;
use super::memory::MemoryArguments;
use super::store::StoreArguments;
use super::tables::TableArguments;
use super::whole_number::jobs;

const EXAMPLES: &str = "\
Examples:
  rxrx2zarr verify rxrx1-zarr                      checksums, shards, pixels, tables, labels
  rxrx2zarr verify rxrx1-zarr --source rxrx1       also every pixel against its image
  rxrx2zarr verify out --source images --metadata metadata.csv.gz --json
  rxrx2zarr verify s3://bucket/rxrx1 --no-download    only what the store says, no object is read

Exit codes: 0 all is as recorded, 1 it is not, or cannot be verified,
2 wrong usage.";

#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(crate) struct VerifyArguments {
    /// Dataset that convert made: a folder or an address
    #[arg(value_name = "DATASET")]
    dataset: OsString,

    /// Input that the dataset was made from: compare every pixel, with another PNG decoder;
    /// repeatable
    #[arg(long, value_name = "INPUT")]
    source: Vec<OsString>,

    #[command(flatten)]
    tables: TableArguments,

    /// Profile of the source, if its table needs one to be read
    #[arg(long, value_name = "PROFILE", requires = "source", value_parser = profile)]
    pub(crate) profile: Option<ProfileChoice>,

    /// Compare the sizes and checksums that the object store has with the recorded ones,
    /// and read no object
    #[arg(long, conflicts_with_all = ["source", "jobs"])]
    pub(crate) no_download: bool,

    /// Decode every chunk a second time, with a plain and slow decoder that shares no code
    /// with the first [default: one chunk of each shard]
    #[arg(long, conflicts_with = "no_download")]
    pub(crate) independent: bool,

    /// Number of threads that hash and decode [default: all cores]
    #[arg(short, long, alias = "threads", value_name = "N", value_parser = jobs)]
    pub(crate) jobs: Option<NonZeroUsize>,

    #[command(flatten)]
    pub(crate) memory: MemoryArguments,

    /// Print the report, or the failure, as JSON (see docs/json.md)
    #[arg(long)]
    pub(crate) json: bool,

    #[command(flatten)]
    store: StoreArguments,
}

impl VerifyArguments {
    /// Returns DATASET.
    pub(crate) fn dataset(&self) -> Result<Location, LocationError> {
        self.store.folder(&self.dataset)
    }

    /// Returns the sources, if any are given.
    pub(crate) fn sources(&self) -> Result<Vec<Location>, LocationError> {
        let sources = self.source.iter();
        sources.map(|source| self.store.location(source)).collect()
    }

    /// Returns the tables of the source.
    pub(crate) fn tables(&self) -> Result<Tables, LocationError> {
        self.tables.tables(&self.store)
    }
}
