//! Kinds of errors.

use rxrx_format::{CodecError, LabelError, ReadTableError, TableError};
use rxrx_input::PlanInputError;
use rxrx_metadata::JoinError;
use rxrx_reader::DatasetError;
use rxrx_storage::{LocationError, LockError, StoreError};

use crate::convert::ConvertError;
use crate::describe::DescriptionError;
use crate::inspect::InspectError;
use crate::journal::{JournalError, RecordedError, ResumeError};
use crate::output::{LostObject, OutputError};
use crate::pipeline::PipelineError;
use crate::publish::PublishError;
use crate::seal::SealError;
use crate::verify::VerifyError;

/// Cause of an error, as far as a caller can act on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorKind {
    /// What the caller asked for is wrong.
    Usage,
    /// INPUT, or the dataset that is read, cannot be used.
    Input,
    /// OUTPUT, or what exists there, prevents the run.
    Output,
    /// A file system or an object store failed, or cannot be reached.
    Store,
    /// The caller stopped the run.
    Interrupted,
    /// The program has a defect.
    Defect,
}

/// An error with a kind, so that nobody needs to downcast.
pub trait HasErrorKind: std::error::Error {
    /// The kind of the error.
    fn kind(&self) -> ErrorKind;
}

/// Errors whose every variant has the same kind.
macro_rules! always {
    ($($error:ty => $kind:ident),* $(,)?) => {
        $(impl HasErrorKind for $error {
            fn kind(&self) -> ErrorKind {
                ErrorKind::$kind
            }
        })*
    };
}

always! {
    DescriptionError => Input,
    LabelError => Defect,
    LocationError => Usage,
    LostObject => Output,
    ReadTableError => Output,
    StoreError => Store,
    TableError => Defect,
}

impl HasErrorKind for PlanInputError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Selection(_) | Self::Join(JoinError::Selection { .. }) => ErrorKind::Usage,
            Self::Plan(error) if error.is_layout() => ErrorKind::Usage,
            Self::Store(_) | Self::Images { .. } => ErrorKind::Store,
            _ => ErrorKind::Input,
        }
    }
}

impl HasErrorKind for CodecError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::ChunkTooLarge { .. } => ErrorKind::Input,
            _ => ErrorKind::Defect,
        }
    }
}

impl HasErrorKind for DatasetError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Store(error) => error.kind(),
            _ => ErrorKind::Input,
        }
    }
}

impl HasErrorKind for LockError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Store(_) | Self::Io { .. } => ErrorKind::Store,
            _ => ErrorKind::Output,
        }
    }
}

impl HasErrorKind for JournalError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Store(error) => error.kind(),
            Self::Damaged { .. } | Self::Lost { .. } => ErrorKind::Output,
            Self::Json { .. } => ErrorKind::Defect,
        }
    }
}

impl HasErrorKind for RecordedError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Store(error) => error.kind(),
            _ => ErrorKind::Output,
        }
    }
}

impl HasErrorKind for ResumeError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Vanished { .. } => ErrorKind::Input,
            Self::Store(error) => error.kind(),
        }
    }
}

impl HasErrorKind for OutputError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Lock(error) => error.kind(),
            Self::Journal(error) => error.kind(),
            Self::Store(_) | Self::Io { .. } => ErrorKind::Store,
            _ => ErrorKind::Output,
        }
    }
}

impl HasErrorKind for InspectError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Dataset(error) => error.kind(),
            Self::Output(error) => error.kind(),
        }
    }
}

impl HasErrorKind for PipelineError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::UnreadableImage { .. } | Self::CorruptImage { .. } => ErrorKind::Input,
            Self::Source { .. } | Self::Store(_) => ErrorKind::Store,
            Self::Codec(error) => error.kind(),
            Self::Journal(error) => error.kind(),
            Self::Defect { .. } => ErrorKind::Defect,
        }
    }
}

impl HasErrorKind for SealError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Journal(error) => error.kind(),
            Self::Label(error) => error.kind(),
            Self::Table(error) => error.kind(),
            Self::Json { .. } => ErrorKind::Defect,
            Self::Lost(error) => error.kind(),
            Self::Store(error) => error.kind(),
        }
    }
}

impl HasErrorKind for ConvertError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Refused { .. } | Self::Missing { .. } => ErrorKind::Input,
            Self::Output(error) => error.kind(),
            Self::Codec(error) => error.kind(),
            Self::Interrupted { .. } => ErrorKind::Interrupted,
            Self::Resume(error) => error.kind(),
            Self::Table(error) => error.kind(),
            Self::Recorded(error) => error.kind(),
            Self::DamagedShard { .. } => ErrorKind::Output,
            Self::Journal(error) => error.kind(),
            Self::Store(error) => error.kind(),
            Self::Pipeline(error) => error.kind(),
            Self::Seal(error) => error.kind(),
        }
    }
}

impl HasErrorKind for VerifyError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Dataset(error) => error.kind(),
            Self::Store(_) | Self::Source { .. } => ErrorKind::Store,
        }
    }
}

impl HasErrorKind for PublishError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Dataset(error) => error.kind(),
            Self::Folder { .. } => ErrorKind::Usage,
            Self::Damaged { .. } => ErrorKind::Input,
            Self::Occupied { .. } => ErrorKind::Output,
            Self::Output(error) => error.kind(),
            Self::Journal(error) => error.kind(),
            Self::NotStored { .. } | Self::Store(_) => ErrorKind::Store,
        }
    }
}
