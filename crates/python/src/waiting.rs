//! Reading that Ctrl-C can stop.
//!
//! A read of a disk is stopped between two blocks, which take less than a second. A read of a
//! store can take as long as the store likes: it goes on a thread of its own, into memory of
//! its own, and its caller leaves it behind. So no thread writes into an array of Python that
//! may be gone.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use crossbeam_channel::{RecvTimeoutError, bounded};
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;

/// The longest time between two looks for signals.
const PATIENCE: Duration = Duration::from_millis(100);

/// Does `work` on `subject` without the interpreter's lock; on a thread of its own if it may
/// take long.
pub(crate) fn wait_for<S, T>(
    py: Python<'_>,
    subject: &Arc<S>,
    takes_long: bool,
    work: impl FnOnce(&S) -> T + Send + 'static,
) -> PyResult<T>
where
    S: Send + Sync + 'static,
    T: Send + 'static,
{
    if !takes_long {
        return Ok(py.detach(|| work(subject)));
    }
    let (sender, result) = bounded(1);
    let subject = Arc::clone(subject);
    thread::Builder::new()
        .name("rxrx2zarr-read".to_owned())
        .spawn(move || {
            // Nobody listens any more after Ctrl-C.
            let _ = sender.send(work(&subject));
        })?;
    loop {
        match py.detach(|| result.recv_timeout(PATIENCE)) {
            Ok(result) => return Ok(result),
            Err(RecvTimeoutError::Timeout) => py.check_signals()?,
            Err(RecvTimeoutError::Disconnected) => {
                let text = "rxrx2zarr has a defect: please report it";
                return Err(PyRuntimeError::new_err(text));
            }
        }
    }
}
