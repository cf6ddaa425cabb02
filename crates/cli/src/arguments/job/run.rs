//! Arguments of `job run`.

use std::ffi::OsString;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use rxrx_writer::{JobInput, Location, LocationError};

use super::super::memory::MemoryArguments;
use super::super::store::StoreArguments;
use super::super::whole_number::{jobs, seconds};
use super::parts::{PartList, parts};

const EXAMPLES: &str = "\
Examples:
  rxrx2zarr job run rxrx1-zarr 3
  rxrx2zarr job run rxrx1-zarr 3,7-9
  rxrx2zarr job run rxrx1-zarr                     in a task of an array job
  rxrx2zarr job run rxrx1-zarr 3 --input /scratch/rxrx1

Without PART it is the number of the task: SLURM_ARRAY_TASK_ID,
AWS_BATCH_JOB_ARRAY_INDEX or JOB_COMPLETION_INDEX, which count from 0, or
LSB_JOBINDEX or SGE_TASK_ID, which count from 1. A part beyond the last one has
no work. What is done is not done again, unless its images have changed.

Exit codes: 0 the parts are stored, whatever images are bad, 1 failed,
2 wrong usage, 129, 130, 138 or 143 stopped by SIGHUP, SIGINT, SIGUSR1 or
SIGTERM.";

#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(crate) struct JobRunArguments {
    /// OUTPUT of `job init`
    #[arg(value_name = "OUTPUT")]
    output: OsString,

    /// Parts to run, from 0: 3 or 3,7-9 [default: the number of the task of an array job]
    #[arg(value_name = "PART", value_parser = parts)]
    pub(crate) parts: Option<PartList>,

    /// INPUT, where it has another name here than for `job init`; repeatable
    #[arg(long, value_name = "PATH")]
    input: Vec<OsString>,

    /// Number of threads that decode and encode [default: all cores that the job was given]
    #[arg(short, long, alias = "threads", value_name = "N", value_parser = jobs)]
    pub(crate) jobs: Option<NonZeroUsize>,

    #[command(flatten)]
    pub(crate) memory: MemoryArguments,

    /// Seconds that shards in progress may take after a signal; what is left of them is dropped
    #[arg(long, value_name = "SECONDS", default_value = "5", value_parser = seconds)]
    grace: u32,

    /// Folder of a local disk in which each shard is written first; for file systems where many
    /// small writes are slow
    #[arg(long, value_name = "DIR")]
    pub(crate) scratch: Option<PathBuf>,

    /// Stop at the first image that cannot be used
    #[arg(long)]
    pub(crate) strict: bool,

    /// Print the result, or the failure, as JSON (see docs/json.md)
    #[arg(long)]
    pub(crate) json: bool,

    #[command(flatten)]
    store: StoreArguments,
}

impl JobRunArguments {
    /// Returns OUTPUT.
    pub(crate) fn output(&self) -> Result<Location, LocationError> {
        self.store.folder(&self.output)
    }

    /// Returns where the images are.
    pub(crate) fn job_input(&self) -> Result<JobInput, LocationError> {
        let locations = self.input.iter().map(|input| self.store.location(input));
        Ok(JobInput {
            locations: locations.collect::<Result<_, _>>()?,
            store_options: self.store.store_options()?,
        })
    }

    /// Returns how long shards in progress may take after a signal.
    pub(crate) fn grace(&self) -> Duration {
        Duration::from_secs(self.grace.into())
    }
}
