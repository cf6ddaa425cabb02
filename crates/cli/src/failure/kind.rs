//! Kinds of errors: those of the library, and those of this crate.

use std::error::Error;
use std::io;

use rxrx_figure::FigureError;
use rxrx_sample::SampleError;
use rxrx_server::ServeError;
pub use rxrx_writer::ErrorKind;
use rxrx_writer::{
    CleanError, ConvertError, DatasetError, HasErrorKind, InspectError, JobError, LocationError,
    OutputError, PlanInputError, PublishError, StoreError, VerifyError,
};

use super::error::{
    CompareError, ForkedError, NoColumn, NoCommand, OutputFile, Stopped, StoppedEarly,
    TooManyChannels,
};
use super::no_dataset::NoDataset;
use crate::arguments::NoPart;
use crate::cpu::CpuError;
use crate::jobs::UnknownCores;
use crate::sites_file::SitesFileError;

/// Returns the kind of an error: that of the first error in its chain that is
/// known, [`Defect`](ErrorKind::Defect) if none is.
pub(super) fn kind_of(error: &anyhow::Error) -> ErrorKind {
    let mut kinds = error.chain().filter_map(kind_of_link);
    kinds.next().unwrap_or(ErrorKind::Defect)
}

/// Returns the kind of one error of a chain, without its causes.
fn kind_of_link(error: &(dyn Error + 'static)) -> Option<ErrorKind> {
    if error.is::<CpuError>()
        || error.is::<UnknownCores>()
        || error.is::<ForkedError>()
        || error.is::<NoPart>()
        || error.is::<NoCommand>()
        || error.is::<TooManyChannels>()
    {
        Some(ErrorKind::Usage)
    } else if error.is::<NoColumn>() || error.is::<NoDataset>() || error.is::<SitesFileError>() {
        Some(ErrorKind::Input)
    } else if error.is::<OutputFile>() {
        Some(ErrorKind::Output)
    } else if error.is::<io::Error>() {
        // Standard output, or a file of a sample.
        Some(ErrorKind::Output)
    } else if error.is::<Stopped>() || error.is::<StoppedEarly>() {
        Some(ErrorKind::Interrupted)
    } else {
        None.or_else(|| error.downcast_ref().map(of_compare))
            .or_else(|| kind_of_type::<CleanError>(error))
            .or_else(|| kind_of_type::<ConvertError>(error))
            .or_else(|| kind_of_type::<DatasetError>(error))
            .or_else(|| kind_of_type::<InspectError>(error))
            .or_else(|| kind_of_type::<JobError>(error))
            .or_else(|| kind_of_type::<LocationError>(error))
            .or_else(|| kind_of_type::<OutputError>(error))
            .or_else(|| kind_of_type::<PlanInputError>(error))
            .or_else(|| kind_of_type::<PublishError>(error))
            .or_else(|| kind_of_type::<StoreError>(error))
            .or_else(|| kind_of_type::<VerifyError>(error))
            .or_else(|| error.downcast_ref().map(of_figure))
            .or_else(|| error.downcast_ref().map(of_serve))
            .or_else(|| error.downcast_ref().map(of_sample))
    }
}

/// Returns the kind of an error of type `E`.
fn kind_of_type<E: HasErrorKind + 'static>(error: &(dyn Error + 'static)) -> Option<ErrorKind> {
    error.downcast_ref::<E>().map(HasErrorKind::kind)
}

/// Returns the kind of the cause, except that it is not wrong usage: the settings
/// are those of the dataset, not of the command line.
fn of_compare(error: &CompareError) -> ErrorKind {
    match error.source.kind() {
        ErrorKind::Usage => ErrorKind::Input,
        kind => kind,
    }
}

fn of_figure(error: &FigureError) -> ErrorKind {
    match error {
        FigureError::TooLarge { .. } => ErrorKind::Usage,
        FigureError::Write(_) => ErrorKind::Output,
        _ => ErrorKind::Defect,
    }
}

fn of_serve(error: &ServeError) -> ErrorKind {
    match error {
        ServeError::Store(error) => error.kind(),
        ServeError::Listen { .. } => ErrorKind::Output,
        _ => ErrorKind::Store,
    }
}

fn of_sample(error: &SampleError) -> ErrorKind {
    match error {
        SampleError::NoSites | SampleError::FewSites { .. } | SampleError::Size { .. } => {
            ErrorKind::Usage
        }
        SampleError::NotEmpty { .. } | SampleError::List { .. } | SampleError::Write { .. } => {
            ErrorKind::Output
        }
        _ => ErrorKind::Defect,
    }
}
