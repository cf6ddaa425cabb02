//! Failures as exceptions. The classes are in `rxrx2zarr/_errors.py`.

use std::error::Error;

use pyo3::prelude::*;
use rxrx_reader::{DatasetError, DatasetErrorKind, LocationError};
use rxrx2zarr::{ErrorKind, Failure};

/// Returns the exception for a failed command.
pub(crate) fn of_failure(py: Python<'_>, failure: &Failure) -> PyErr {
    let notes = failure.problems.iter().chain(&failure.advice);
    let notes: Vec<&str> = notes.map(String::as_str).collect();
    exception(
        py,
        failure.kind,
        &failure.message,
        &failure.causes,
        &notes,
        failure.exit_code,
    )
}

/// Returns the exception for a dataset that cannot be opened or read.
pub(crate) fn of_dataset(py: Python<'_>, error: &DatasetError) -> PyErr {
    let kind = match error.error_kind() {
        DatasetErrorKind::Usage => ErrorKind::Usage,
        DatasetErrorKind::Store => ErrorKind::Store,
        _ => ErrorKind::Input,
    };
    of_error(py, kind, error)
}

/// Returns the exception for an address or an option of a store that is wrong.
pub(crate) fn of_location(py: Python<'_>, error: &LocationError) -> PyErr {
    of_error(py, ErrorKind::Usage, error)
}

fn of_error(py: Python<'_>, kind: ErrorKind, error: &dyn Error) -> PyErr {
    let mut causes = Vec::new();
    let mut cause = error.source();
    while let Some(error) = cause {
        causes.push(error.to_string());
        cause = error.source();
    }
    let exit_code = if kind == ErrorKind::Usage { 2 } else { 1 };
    exception(py, kind, &error.to_string(), &causes, &[], exit_code)
}

fn exception(
    py: Python<'_>,
    kind: ErrorKind,
    message: &str,
    causes: &[String],
    notes: &[&str],
    exit_code: u8,
) -> PyErr {
    let kind = match kind {
        ErrorKind::Usage => "usage",
        ErrorKind::Input => "input",
        ErrorKind::Output => "output",
        ErrorKind::Store => "store",
        ErrorKind::Interrupted => "interrupted",
        ErrorKind::Defect => "defect",
    };
    let made = py
        .import("rxrx2zarr._errors")
        .and_then(|module| module.getattr("exception"))
        .and_then(|make| make.call1((kind, message, causes, notes, exit_code)));
    made.map_or_else(|error| error, PyErr::from_value)
}
