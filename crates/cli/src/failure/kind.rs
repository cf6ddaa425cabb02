//! Kinds of errors, derived from the types of the library's errors.

use std::error::Error;
use std::io;

use rxrx_metadata::JoinError;
use rxrx_writer::{
    CodecError, ConvertError, DescriptionError, InfoError, JournalError, LocationError,
    PipelineError, PrepareError, PublishError, ReadTableError, ResumeError, SealError, StoreError,
    TargetError, VerifyError,
};
use serde::Serialize;

use super::error::{CompareError, Stopped};
use crate::jobs::UnknownCores;
use crate::sample::SampleError;

/// Cause of a failure, as far as a caller can act on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ErrorKind {
    /// The command line is wrong.
    Usage,
    /// INPUT, or the dataset that is read, cannot be used.
    Input,
    /// OUTPUT, or what exists there, prevents the command.
    Output,
    /// A file system or an object store failed, or cannot be reached.
    Store,
    /// A signal stopped the command.
    Interrupted,
    /// The program has a defect.
    Defect,
}

/// Returns the kind of an error: that of the first error in its chain that is
/// known, [`Defect`](ErrorKind::Defect) if none is.
pub(super) fn kind_of(error: &anyhow::Error) -> ErrorKind {
    let mut kinds = error.chain().filter_map(kind_of_link);
    kinds.next().unwrap_or(ErrorKind::Defect)
}

/// Returns the kind of one error of a chain, without its causes.
fn kind_of_link(error: &(dyn Error + 'static)) -> Option<ErrorKind> {
    if error.is::<LocationError>() || error.is::<UnknownCores>() {
        Some(ErrorKind::Usage)
    } else if error.is::<DescriptionError>() {
        Some(ErrorKind::Input)
    } else if error.is::<StoreError>() {
        Some(ErrorKind::Store)
    } else if error.is::<io::Error>() {
        // Standard output, or a file of a sample.
        Some(ErrorKind::Output)
    } else if error.is::<Stopped>() {
        Some(ErrorKind::Interrupted)
    } else {
        None.or_else(|| error.downcast_ref().map(of_compare))
            .or_else(|| error.downcast_ref().map(of_prepare))
            .or_else(|| error.downcast_ref().map(of_convert))
            .or_else(|| error.downcast_ref().map(of_target))
            .or_else(|| error.downcast_ref().map(of_info))
            .or_else(|| error.downcast_ref().map(of_verify))
            .or_else(|| error.downcast_ref().map(of_publish))
            .or_else(|| error.downcast_ref().map(of_sample))
    }
}

/// Returns the kind of the cause, except that it is not wrong usage: the settings
/// are those of the dataset, not of the command line.
fn of_compare(error: &CompareError) -> ErrorKind {
    match of_prepare(&error.source) {
        ErrorKind::Usage => ErrorKind::Input,
        kind => kind,
    }
}

fn of_prepare(error: &PrepareError) -> ErrorKind {
    match error {
        PrepareError::Selection(_) | PrepareError::Join(JoinError::Selection { .. }) => {
            ErrorKind::Usage
        }
        PrepareError::Plan(error) if error.is_layout() => ErrorKind::Usage,
        PrepareError::Store(_) | PrepareError::Images { .. } => ErrorKind::Store,
        _ => ErrorKind::Input,
    }
}

fn of_convert(error: &ConvertError) -> ErrorKind {
    match error {
        ConvertError::Refused { .. } | ConvertError::Missing { .. } => ErrorKind::Input,
        ConvertError::Target(error) => of_target(error),
        ConvertError::Codec(error) => of_codec(error),
        ConvertError::Interrupted { .. } => ErrorKind::Interrupted,
        ConvertError::Resume(ResumeError::Vanished { .. }) => ErrorKind::Input,
        ConvertError::Resume(ResumeError::Store(_))
        | ConvertError::Table(ReadTableError::Store(_))
        | ConvertError::Store(_) => ErrorKind::Store,
        ConvertError::Table(_) | ConvertError::DamagedShard { .. } => ErrorKind::Output,
        ConvertError::Journal(error) => of_journal(error),
        ConvertError::Pipeline(error) => of_pipeline(error),
        ConvertError::Seal(error) => of_seal(error),
        _ => ErrorKind::Defect,
    }
}

fn of_pipeline(error: &PipelineError) -> ErrorKind {
    match error {
        PipelineError::UnreadableImage { .. } | PipelineError::CorruptImage { .. } => {
            ErrorKind::Input
        }
        PipelineError::Source { .. } | PipelineError::Store(_) => ErrorKind::Store,
        PipelineError::Codec(error) => of_codec(error),
        PipelineError::Journal(error) => of_journal(error),
        _ => ErrorKind::Defect,
    }
}

fn of_codec(error: &CodecError) -> ErrorKind {
    match error {
        CodecError::ChunkTooLarge { .. } => ErrorKind::Input,
        _ => ErrorKind::Defect,
    }
}

fn of_journal(error: &JournalError) -> ErrorKind {
    match error {
        JournalError::Store(_) => ErrorKind::Store,
        JournalError::Damaged { .. } | JournalError::Lost { .. } => ErrorKind::Output,
        _ => ErrorKind::Defect,
    }
}

fn of_seal(error: &SealError) -> ErrorKind {
    match error {
        SealError::Journal(error) => of_journal(error),
        SealError::Lost(_) => ErrorKind::Output,
        SealError::Store(_) => ErrorKind::Store,
        _ => ErrorKind::Defect,
    }
}

fn of_target(error: &TargetError) -> ErrorKind {
    match error {
        TargetError::Journal(error) => of_journal(error),
        TargetError::Store(_) | TargetError::Io { .. } => ErrorKind::Store,
        _ => ErrorKind::Output,
    }
}

fn of_info(error: &InfoError) -> ErrorKind {
    match error {
        InfoError::Store(_) => ErrorKind::Store,
        InfoError::Target(error) => of_target(error),
        _ => ErrorKind::Input,
    }
}

fn of_verify(error: &VerifyError) -> ErrorKind {
    match error {
        VerifyError::Dataset(error) => of_info(error),
        VerifyError::Store(_) | VerifyError::Source { .. } => ErrorKind::Store,
        _ => ErrorKind::Defect,
    }
}

fn of_publish(error: &PublishError) -> ErrorKind {
    match error {
        PublishError::Dataset(error) => of_info(error),
        PublishError::Folder { .. } => ErrorKind::Usage,
        PublishError::Damaged { .. } => ErrorKind::Input,
        PublishError::Occupied { .. } => ErrorKind::Output,
        PublishError::Target(error) => of_target(error),
        PublishError::Journal(error) => of_journal(error),
        PublishError::NotStored { .. } | PublishError::Store(_) => ErrorKind::Store,
        _ => ErrorKind::Defect,
    }
}

fn of_sample(error: &SampleError) -> ErrorKind {
    match error {
        SampleError::NoSites | SampleError::Size { .. } => ErrorKind::Usage,
        SampleError::NotEmpty { .. } | SampleError::List { .. } | SampleError::Write { .. } => {
            ErrorKind::Output
        }
        SampleError::Threads { .. } | SampleError::Encode { .. } => ErrorKind::Defect,
    }
}
