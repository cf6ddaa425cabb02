//! The error of a conversion.

use rxrx_format::{CodecError, ReadTableError};
use rxrx_metadata::Problem;
use rxrx_storage::{Location, StoreError};

use crate::journal::{JournalError, RecordedError, ResumeError};
use crate::output::OutputError;
use crate::pipeline::PipelineError;
use crate::seal::SealError;
use crate::space::{DoesNotFit, Space};
use rxrx_verify::{TooLittleMemory, size_text};

/// The conversion failed; nothing was sealed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConvertError {
    /// The input has problems that prevent a conversion.
    #[error("the input cannot be converted: {}", summary(.problems))]
    Refused {
        /// The problems.
        problems: Vec<Problem>,
    },
    /// Images are missing, and that was not allowed.
    #[error(
        "planes without an image: {planes} ({}); get the images, or convert all the same with \
         --allow-missing (the pixels will be 0)",
        summary(.problems)
    )]
    Missing {
        /// The number of planes.
        planes: usize,
        /// The problems, with examples of sites.
        problems: Vec<Problem>,
    },
    /// OUTPUT cannot be used.
    #[error(transparent)]
    Output(#[from] OutputError),
    /// The codec could not be set up.
    #[error(transparent)]
    Codec(#[from] CodecError),
    /// Not even one chunk fits into the memory that is allowed.
    #[error(transparent)]
    Memory(#[from] TooLittleMemory),
    /// The run was stopped; the units that are done are kept.
    #[error("stopped after {done} of {units} shards")]
    Interrupted {
        /// Units that are done.
        done: usize,
        /// Units in all.
        units: usize,
    },
    /// The run does not fit on the file system of OUTPUT.
    #[error(transparent)]
    DoesNotFit(#[from] DoesNotFit),
    /// The file system of OUTPUT, or the quota of the user, is full.
    #[error(
        "the file system of {output} is full: about {} more{} needed for what is left",
        size_text(.more.bytes),
        match .more.files {
            0 => " is".to_owned(),
            files => format!(" and {files} more files (inodes) are"),
        }
    )]
    Full {
        /// OUTPUT.
        output: Location,
        /// Room that has to be made, estimated.
        more: Space,
        /// The error of the write.
        source: Box<ConvertError>,
    },
    /// An unfinished run cannot be continued.
    #[error(transparent)]
    Resume(#[from] ResumeError),
    /// The embeddings of a dataset whose bad images are converted again cannot be
    /// read.
    #[error(transparent)]
    Table(#[from] ReadTableError),
    /// The records of a complete dataset cannot be made from its tables.
    #[error(transparent)]
    Recorded(#[from] RecordedError),
    /// A shard with bad images is damaged.
    #[error(
        "{key} is damaged, so that the bad images of {} cannot be tried again without losing \
         good ones: see `rxrx2zarr verify`, and convert anew with --overwrite",
        .output
    )]
    DamagedShard {
        /// The dataset.
        output: Location,
        /// The shard.
        key: String,
    },
    /// The journal cannot be used.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The dataset could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A unit failed.
    #[error(transparent)]
    Pipeline(#[from] PipelineError),
    /// The dataset could not be sealed.
    #[error(transparent)]
    Seal(#[from] SealError),
}

/// Returns the titles and counts of problems, in one line.
fn summary(problems: &[Problem]) -> String {
    let lines: Vec<String> = problems
        .iter()
        .map(|problem| format!("{}: {}", problem.kind.title(), problem.count))
        .collect();
    lines.join(", ")
}
