//! Arguments of `job`.

mod init;
mod parts;
mod run;
mod seal;
mod status;

use clap::{Args, Subcommand};

pub(crate) use init::JobInitArguments;
pub(crate) use parts::{NoPart, PartList};
pub(crate) use run::JobRunArguments;
pub(crate) use seal::JobSealArguments;
pub(crate) use status::JobStatusArguments;

const EXAMPLES: &str = "\
Examples:
  rxrx2zarr job init rxrx1 rxrx1-zarr --parts 16
  rxrx2zarr job run rxrx1-zarr 3                   or in an array job, which names the part
  rxrx2zarr job status rxrx1-zarr
  rxrx2zarr job seal rxrx1-zarr

The same conversion as convert, in parts, by any number of processes on machines
that share a file system with locks (flock) or a bucket. Any part may run again,
at any time. scripts/cluster has files for Slurm, Dask, Kubernetes, AWS Batch and
xargs.";

#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(crate) struct JobArguments {
    #[command(subcommand)]
    pub(crate) step: JobStep,
}

/// The steps of a job.
#[derive(Debug, Subcommand)]
pub(crate) enum JobStep {
    /// Plan a conversion once, and store the plan beside OUTPUT, cut into parts
    Init(Box<JobInitArguments>),
    /// Convert what is not done of a part
    Run(JobRunArguments),
    /// Show how far the parts are, and which are missing
    Status(JobStatusArguments),
    /// Seal the dataset, if every part is done
    Seal(JobSealArguments),
}

impl JobStep {
    /// Returns whether the command prints its result as JSON.
    pub(in crate::arguments) fn is_json(&self) -> bool {
        match self {
            Self::Init(arguments) => arguments.json,
            Self::Run(arguments) => arguments.json,
            Self::Status(arguments) => arguments.json,
            Self::Seal(arguments) => arguments.json,
        }
    }
}
