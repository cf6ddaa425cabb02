//! Signals that ask a command to stop. The first one finishes what is begun, the second
//! one ends the process.
//!
//! SIGINT comes from Ctrl-C, SIGTERM from `kill` and from schedulers, SIGUSR1 from batch
//! systems that warn a job before its time is over (Slurm with `--signal`, Grid Engine),
//! and SIGHUP from a terminal that is closed. A process that was started with `nohup`
//! ignores SIGHUP, and goes on doing so.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

#[cfg(unix)]
use signal_hook::consts::{SIGHUP, SIGUSR1};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

use crate::exit_status::ExitStatus;

/// The signal handlers cannot be installed.
#[derive(Debug, thiserror::Error)]
#[error("cannot install the handlers of SIGINT, SIGTERM, SIGUSR1 and SIGHUP")]
pub(crate) struct SignalError(#[source] io::Error);

/// Request of a signal to stop.
pub(crate) struct StopSignal {
    requested: Arc<AtomicBool>,
    signal: Arc<AtomicUsize>,
}

impl StopSignal {
    /// Installs the handlers.
    ///
    /// # Errors
    /// [`SignalError`] if the operating system refuses a handler.
    pub(crate) fn install() -> Result<Self, SignalError> {
        let stop = Self {
            requested: Arc::new(AtomicBool::new(false)),
            signal: Arc::new(AtomicUsize::new(0)),
        };
        for number in [SIGINT, SIGTERM] {
            stop.handle(number).map_err(SignalError)?;
        }
        #[cfg(unix)]
        stop.handle(SIGUSR1).map_err(SignalError)?;
        #[cfg(unix)]
        if !rxrx_writer::is_signal_ignored(SIGHUP) {
            stop.handle(SIGHUP).map_err(SignalError)?;
        }
        Ok(stop)
    }

    /// Returns a request that `requested` makes, in the place of SIGINT. No handler is
    /// installed.
    pub(crate) fn of_flag(requested: Arc<AtomicBool>) -> Self {
        Self {
            requested,
            signal: Arc::new(AtomicUsize::new(SIGINT as usize)),
        }
    }

    /// Installs the handlers of one signal. They run in the order in which they
    /// are registered: the first signal finds the flag false and sets it, the
    /// second one finds it true and ends the process.
    fn handle(&self, number: i32) -> io::Result<()> {
        let code = i32::from(ExitStatus::SIGNAL_BASE) + number;
        flag::register_conditional_shutdown(number, code, Arc::clone(&self.requested))?;
        flag::register(number, Arc::clone(&self.requested))?;
        flag::register_usize(number, Arc::clone(&self.signal), number as usize)?;
        Ok(())
    }

    /// Returns the flag that becomes true when a signal arrives.
    pub(crate) fn requested(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.requested)
    }

    /// Returns the number of the signal that arrived, or `None` if none did.
    pub(crate) fn number(&self) -> Option<u8> {
        match self.signal.load(Ordering::Relaxed) {
            0 => None,
            number => u8::try_from(number).ok(),
        }
    }
}
