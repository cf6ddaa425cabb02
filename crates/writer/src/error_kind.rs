//! Kinds of errors.

use rxrx_format::{CodecError, LabelError, ReadTableError, TableError};
use rxrx_input::PlanInputError;
use rxrx_metadata::JoinError;
use rxrx_reader::DatasetError;
use rxrx_storage::{LocationError, LockError, StoreError};

use crate::clean::CleanError;
use crate::convert::{ConvertError, JobError};
use crate::inspect::InspectError;
use crate::journal::{JobPlanError, JournalError, RecordedError, ResumeError};
use crate::output::{LostObject, OutputError};
use crate::pipeline::PipelineError;
use crate::publish::PublishError;
use crate::seal::SealError;
use rxrx_verify::VerifyError;

/// The kind of an error: who can do something about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorKind {
    /// The request of the caller is wrong.
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

/// An error with a kind, so that no caller needs to downcast.
pub trait HasErrorKind: std::error::Error {
    /// Returns the kind of the error.
    fn kind(&self) -> ErrorKind;
}

/// Implements [`HasErrorKind`] for errors: variants that wrap an error have its kind,
/// each other variant has the kind beside its pattern.
macro_rules! kinds {
    ($($error:ident [$($wrapper:ident)*] { $($pattern:pat $(if $guard:expr)? => $kind:ident),* $(,)? })*) => {
        $(impl HasErrorKind for $error {
            fn kind(&self) -> ErrorKind {
                match self {
                    $(Self::$wrapper(error) => error.kind(),)*
                    $($pattern $(if $guard)? => ErrorKind::$kind,)*
                }
            }
        })*
    };
}

kinds! {
    LabelError [] { _ => Defect }
    LocationError [] { _ => Usage }
    LostObject [] { _ => Output }
    ReadTableError [] { _ => Output }
    StoreError [] { _ => Store }
    TableError [] { _ => Defect }

    PlanInputError [] {
        Self::Selection(_) | Self::Join(JoinError::Selection { .. }) => Usage,
        Self::Plan(error) if error.is_layout() => Usage,
        Self::Store(_) | Self::Images { .. } => Store,
        _ => Input,
    }
    CodecError [] { Self::ChunkTooLarge { .. } => Input, _ => Defect }
    DatasetError [Store] { _ => Input }
    LockError [] { Self::Store(_) | Self::Io { .. } => Store, _ => Output }
    JournalError [Store] {
        Self::Damaged { .. } | Self::Lost { .. } => Output,
        Self::Json { .. } => Defect,
    }
    RecordedError [Store Table] {
        Self::NoUnit { .. } => Defect,
        Self::Absent { .. } | Self::Checksums { .. } | Self::Place { .. } => Output,
        Self::Changed { .. } | Self::NoCause | Self::NoPlaces => Output,
    }
    ResumeError [Recorded Store] {
        Self::Source { .. } => Store,
        Self::Vanished { .. } => Input,
    }
    OutputError [Lock Journal Store] { _ => Output }
    InspectError [Dataset Output] {}
    CleanError [Output Store] { Self::Switching { .. } => Output, Self::Foreign { .. } => Input }
    PipelineError [Codec Journal Store] {
        Self::UnreadableImage { .. } | Self::CorruptImage { .. } => Input,
        Self::AllAlike { .. } => Input,
        Self::Source { .. } | Self::Thread { .. } => Store,
        Self::Defect { .. } => Defect,
    }
    SealError [Journal Recorded Label Table Lost Store] { Self::Json { .. } => Defect }
    ConvertError [
        Output Codec Resume Table Recorded Journal Store Pipeline Seal
    ] {
        Self::Memory(_) => Usage,
        Self::Refused { .. } | Self::Missing { .. } => Input,
        Self::Interrupted { .. } => Interrupted,
        Self::DamagedShard { .. } | Self::DoesNotFit(_) => Output,
        Self::Full { .. } => Store,
    }
    JobPlanError [Journal Store] {
        Self::Damaged { .. } => Output,
        Self::Plan(_) | Self::Embeddings(_) => Defect,
    }
    JobError [Dataset Plan Input Convert Output Journal Store] {
        Self::LacksImage { .. } | Self::OtherInput { .. } => Input,
        Self::Unreachable { .. } => Store,
        _ => Output,
    }
    VerifyError [Dataset Store] {
        Self::Memory(_) | Self::NoStoreChecksums { .. } => Usage,
        _ => Store,
    }
    PublishError [Dataset Output Journal Store] {
        Self::Folder { .. } => Usage,
        Self::Damaged { .. } => Input,
        Self::Occupied { .. } => Output,
        Self::NotStored { .. } => Store,
    }
}
