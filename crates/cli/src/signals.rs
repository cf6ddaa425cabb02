//! Signals that ask a command to stop. The first one finishes what is begun, the second
//! one ends the process.
//!
//! SIGINT comes from Ctrl-C, SIGTERM from `kill` and from schedulers, SIGUSR1 from batch
//! systems that warn a job before its time is over (Slurm with `--signal`, Grid Engine),
//! and SIGHUP from a terminal that is closed. A process that was started with `nohup`
//! ignores SIGHUP, and goes on doing so.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread;

#[cfg(unix)]
use signal_hook::consts::{SIGHUP, SIGUSR1};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use signal_hook::{flag, low_level};

use crate::exit_status::ExitStatus;
use crate::report;

static REQUESTED: OnceLock<Arc<AtomicBool>> = OnceLock::new();

/// Whether a signal has asked this process to stop.
pub(crate) fn is_stop_requested() -> bool {
    REQUESTED
        .get()
        .is_some_and(|requested| requested.load(Ordering::Relaxed))
}

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
        let mut numbers = vec![SIGINT, SIGTERM];
        #[cfg(unix)]
        numbers.push(SIGUSR1);
        #[cfg(unix)]
        if !rxrx_writer::is_signal_ignored(SIGHUP) {
            numbers.push(SIGHUP);
        }
        stop.end_at_second(&numbers).map_err(SignalError)?;
        for number in numbers {
            stop.handle(number).map_err(SignalError)?;
        }
        // A process has one command line, and installs its handlers once.
        let _ = REQUESTED.set(Arc::clone(&stop.requested));
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

    /// Installs the handlers of one signal.
    fn handle(&self, number: i32) -> io::Result<()> {
        flag::register(number, Arc::clone(&self.requested))?;
        flag::register_usize(number, Arc::clone(&self.signal), number as usize)?;
        Ok(())
    }

    /// Ends the process at the second of these signals. A thread says so before; where the
    /// system gives no thread, a handler ends the process without a word.
    fn end_at_second(&self, numbers: &[i32]) -> io::Result<()> {
        let mut signals = Signals::new(numbers)?;
        let waiting = thread::Builder::new().name("signals".to_owned());
        let started = waiting.spawn(move || {
            if let Some(number) = signals.forever().nth(1) {
                report::clear_bar();
                report::line(
                    "stopped at once: what is stored stays, and the same command continues",
                );
                low_level::exit(i32::from(ExitStatus::SIGNAL_BASE) + number);
            }
        });
        if started.is_err() {
            for number in numbers {
                let code = i32::from(ExitStatus::SIGNAL_BASE) + number;
                flag::register_conditional_shutdown(*number, code, Arc::clone(&self.requested))?;
            }
        }
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
