//! The program, and its commands as functions.
//!
//! A command runs on a thread of its own. The thread that called it waits without the
//! interpreter's lock, passes on what the command says, and looks for signals. So progress
//! reaches Python on the thread of the caller, and Ctrl-C is noticed within [`PATIENCE`].

use std::ffi::OsString;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, bounded};
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use rxrx2zarr::{Answer, Failure};

use crate::error;
use crate::listener::{Queue, Said};

/// The longest time between two looks for signals.
const PATIENCE: Duration = Duration::from_millis(100);
/// What a command may say before its caller has listened.
const QUEUE: usize = 1024;

/// Runs the program with a command line, whose first argument is its name, and returns the
/// exit code. Signals are handled as by the program.
#[pyfunction]
pub(crate) fn run(py: Python<'_>, arguments: Vec<OsString>) -> u8 {
    py.detach(|| rxrx2zarr::run(&arguments))
}

/// Runs a command that has `--json`, and returns that JSON with the exit code.
///
/// `sink(kind, text, numbers)` receives what the command says. If it raises an exception, or
/// a signal does, the command is asked to stop, and the exception goes on. The caller waits
/// until a command that `stops` has done so, if it has begun to write. Any other command ends
/// on its own, without its caller.
#[pyfunction]
pub(crate) fn call(
    py: Python<'_>,
    arguments: Vec<OsString>,
    sink: &Bound<'_, PyAny>,
    stops: bool,
) -> PyResult<(String, u8)> {
    let (sender, said) = bounded(QUEUE);
    let stop = Arc::new(AtomicBool::new(false));
    let of_command = Arc::clone(&stop);
    let command = thread::Builder::new()
        .name("rxrx2zarr".to_owned())
        .spawn(move || rxrx2zarr::call(&arguments, &Queue(sender), &of_command))?;
    let (mut raised, mut waits) = (None, false);
    while let Some(next) = next(py, &said) {
        waits |= stops && matches!(next, Some(Said::Event(_)));
        let heard = match next {
            Some(said) if raised.is_none() => said.tell(sink),
            _ => Ok(()),
        };
        if let Err(error) = heard.and_then(|()| py.check_signals()) {
            stop.store(true, Ordering::Relaxed);
            raised.get_or_insert(error);
            if !waits {
                break;
            }
        }
    }
    match (raised, waits) {
        (Some(error), false) => Err(error),
        (raised, _) => ended(py, command, raised),
    }
}

/// Waits for what the command says next: `Some(None)` if that takes longer than
/// [`PATIENCE`], `None` if the command has ended.
fn next(py: Python<'_>, said: &Receiver<Said>) -> Option<Option<Said>> {
    match py.detach(|| said.recv_timeout(PATIENCE)) {
        Ok(said) => Some(Some(said)),
        Err(RecvTimeoutError::Timeout) => Some(None),
        Err(RecvTimeoutError::Disconnected) => None,
    }
}

/// Returns the result of a command that has ended. `raised` is what asked it to stop: where
/// it did not come to that, the command has a result all the same.
fn ended(
    py: Python<'_>,
    command: JoinHandle<Result<Answer, Failure>>,
    raised: Option<PyErr>,
) -> PyResult<(String, u8)> {
    let answer = py
        .detach(|| command.join())
        .map_err(|_| PyRuntimeError::new_err("rxrx2zarr has a defect: please report it"))?;
    let failed = match (answer, raised) {
        (Ok(answer), None) => return Ok((answer.json, answer.exit_code)),
        (Err(failure), None) => return Err(error::of_failure(py, &failure)),
        // It was complete before it noticed the request.
        (Ok(_), Some(raised)) => return Err(raised),
        (Err(failure), Some(raised)) => (error::of_failure(py, &failure), raised),
    };
    let (failure, raised) = failed;
    if raised.is_instance_of::<pyo3::exceptions::PyKeyboardInterrupt>(py) {
        return Err(failure);
    }
    raised.set_cause(py, Some(failure));
    Err(raised)
}
