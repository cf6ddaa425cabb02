//! Errors of jobs.

use rxrx_input::PlanInputError;
use rxrx_reader::DatasetError;
use rxrx_storage::{Location, StoreError, Unreachable};

use super::super::error::ConvertError;
use crate::journal::{JobPlanError, JournalError};
use crate::output::OutputError;

/// A part of a conversion failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JobError {
    /// There is no job at OUTPUT.
    #[error(
        "there is no job at {path}{}",
        match .is_run {
            true => ": it holds the unfinished work of `rxrx2zarr convert`, which the same command \
                     continues",
            false => "; begin one with `rxrx2zarr job init INPUT OUTPUT --parts N`",
        }
    )]
    NoJob {
        /// OUTPUT.
        path: Location,
        /// Whether it holds an unfinished run of one process.
        is_run: bool,
    },
    /// One dataset takes the place of another one.
    #[error(
        "{path} is being replaced by `rxrx2zarr convert`: run the same command again, which \
         finishes that"
    )]
    Switching {
        /// OUTPUT.
        path: Location,
    },
    /// The job was planned otherwise.
    #[error(
        "the job at {path} is another one: {difference}; give what was given then, or remove the job \
         with `rxrx2zarr clean --abandon`"
    )]
    OtherJob {
        /// OUTPUT.
        path: Location,
        /// The difference.
        difference: String,
    },
    /// A complete dataset of another conversion is at OUTPUT.
    #[error(
        "output {path} is a complete dataset of another conversion ({difference}), and workers cannot \
         build beside one: choose another output, and rename it when it is sealed; or replace the \
         dataset in one process, with `rxrx2zarr convert --overwrite`"
    )]
    OtherDataset {
        /// OUTPUT.
        path: Location,
        /// The differences.
        difference: String,
    },
    /// There is a job of another number of parts.
    #[error(
        "the job at {path} has {there} parts: leave --parts as it was, or remove the job with \
         `rxrx2zarr clean --abandon`"
    )]
    OtherParts {
        /// OUTPUT.
        path: Location,
        /// The number of parts of the job.
        there: usize,
    },
    /// OUTPUT holds an unfinished run of one process.
    #[error(
        "output {path} holds the unfinished work of `rxrx2zarr convert` with the same settings: the \
         same command continues it, or `rxrx2zarr clean --abandon` removes it"
    )]
    Unfinished {
        /// OUTPUT.
        path: Location,
    },
    /// This program or machine makes other bytes than the one that planned the job.
    #[error("this worker cannot convert a part of the job at {path}: {reason}")]
    OtherProgram {
        /// OUTPUT.
        path: Location,
        /// The difference.
        reason: String,
    },
    /// INPUT lacks an image of the plan.
    #[error(
        "{input} has no {image}, which the plan of the job has: see whether INPUT is mounted \
         here, or name it with --input"
    )]
    LacksImage {
        /// INPUT.
        input: String,
        /// Path of the image inside INPUT.
        image: String,
    },
    /// The images of the INPUT that was named have other sizes than those that were planned.
    #[error(
        "{others} of {compared} images that were compared have another size in {input} than when \
         the job was planned (for example {image}): name the INPUT of `job init` with --input, or a \
         copy of it"
    )]
    OtherInput {
        /// INPUT.
        input: String,
        /// Path of the first such image inside INPUT.
        image: String,
        /// Images of another size.
        others: usize,
        /// Images that were compared.
        compared: usize,
    },
    /// INPUT cannot be read.
    #[error(
        "cannot read {input} at {image}: see whether INPUT is mounted here, or name it with \
         --input"
    )]
    Unreachable {
        /// INPUT.
        input: String,
        /// Path of the image inside INPUT.
        image: String,
        /// The error of the source.
        source: Unreachable,
    },
    /// Units are not done, so that the dataset cannot be sealed.
    #[error(
        "{units} of {of} shards are missing: nothing is sealed; run these parts again: {parts}"
    )]
    NotDone {
        /// Units that are not done.
        units: usize,
        /// Units in all.
        of: usize,
        /// The parts to which they belong, as Slurm takes them: `3,7-9`.
        parts: String,
    },
    /// The complete dataset at OUTPUT cannot be read.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
    /// The stored plan cannot be used.
    #[error(transparent)]
    Plan(#[from] JobPlanError),
    /// INPUT cannot be opened.
    #[error(transparent)]
    Input(#[from] PlanInputError),
    /// The conversion failed.
    #[error(transparent)]
    Convert(#[from] ConvertError),
    /// OUTPUT cannot be used.
    #[error(transparent)]
    Output(#[from] OutputError),
    /// The journal cannot be used.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}
