//! What surrounds a command: where it says something, and who may stop it.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use crate::report::Console;
use crate::signals::{SignalError, StopSignal};

/// What surrounds a command.
pub(crate) struct Session<'a> {
    /// Where the command says what is neither its result nor its error.
    pub(crate) console: Console<'a>,
    /// The flag of a caller that may stop the command; `None` leaves that to signals.
    pub(crate) stop: Option<Arc<AtomicBool>>,
}

impl Session<'_> {
    /// Returns the request to stop. Installs handlers of signals, unless the caller of the
    /// command has a flag.
    ///
    /// # Errors
    /// [`SignalError`] if the operating system refuses a handler.
    pub(crate) fn stop(&self) -> Result<StopSignal, SignalError> {
        match &self.stop {
            Some(stop) => Ok(StopSignal::of_flag(Arc::clone(stop))),
            None => StopSignal::install(),
        }
    }
}
