//! Errors that the CLI adds to those of the library.

use rxrx_writer::{ConvertError, Location, PlanInputError};

/// A signal stopped a conversion.
#[derive(Debug, thiserror::Error)]
#[error("{error}; nothing is lost: the same command continues")]
pub(crate) struct Stopped {
    /// Number of the signal.
    pub(crate) signal: u8,
    /// Progress of the conversion at that time.
    pub(crate) error: ConvertError,
}

/// The caller stopped a conversion while it was planned.
#[derive(Debug, thiserror::Error)]
#[error("stopped before the conversion began")]
pub(crate) struct StoppedEarly;

/// The process was forked from one that converted before.
#[derive(Debug, thiserror::Error)]
#[error(
    "this process was forked from one that has threads of rxrx2zarr, which a fork does not copy; \
     start processes with `spawn` or `forkserver`"
)]
pub(crate) struct ForkedError;

/// A picture in colour cannot have so many channels.
#[derive(Debug, thiserror::Error)]
#[error(
    "{given} channels are named, and a picture shows three at most: more colours cannot be told \
     apart"
)]
pub(crate) struct TooManyChannels {
    /// The number of channels that were named.
    pub(crate) given: usize,
}

/// A file cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {}", path.display())]
pub(crate) struct OutputFile {
    /// The file.
    pub(crate) path: std::path::PathBuf,
    /// The cause.
    pub(crate) source: std::io::Error,
}

/// The table of sites lacks a column.
#[derive(Debug, thiserror::Error)]
#[error("metadata.parquet of {dataset} has no column {column}: it is not one that convert wrote")]
pub(crate) struct NoColumn {
    /// The dataset.
    pub(crate) dataset: String,
    /// The column.
    pub(crate) column: &'static str,
}

/// The source of a verification cannot be planned with the settings of the dataset.
#[derive(Debug, thiserror::Error)]
#[error("cannot compare with {input} by the settings of {dataset}")]
pub(crate) struct CompareError {
    /// The source.
    pub(crate) input: String,
    /// The dataset.
    pub(crate) dataset: Location,
    /// The cause. It is not wrong usage, whatever its kind: the settings are
    /// those of the dataset.
    pub(crate) source: PlanInputError,
}

/// `man` names no command of the program.
#[derive(Debug, thiserror::Error)]
#[error("there is no command {0}: rxrx2zarr --help lists them")]
pub(crate) struct NoCommand(pub(crate) String);
