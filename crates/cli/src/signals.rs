//! SIGINT and SIGTERM: the first asks to stop, the second does.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

/// Exit codes of a program that a signal ended are this and the signal's number.
const SIGNALLED: u8 = 128;

/// Whether a signal asked to stop, and which.
pub(crate) struct Stop {
    asked: Arc<AtomicBool>,
    signal: Arc<AtomicUsize>,
}

impl Stop {
    /// Listens from now on.
    pub(crate) fn on_signals() -> io::Result<Self> {
        let asked = Arc::new(AtomicBool::new(false));
        let signal = Arc::new(AtomicUsize::new(0));
        for number in [SIGINT, SIGTERM] {
            // In this order: the first signal finds the flag unset, and sets it.
            let code = i32::from(SIGNALLED) + number;
            flag::register_conditional_shutdown(number, code, Arc::clone(&asked))?;
            flag::register(number, Arc::clone(&asked))?;
            flag::register_usize(number, Arc::clone(&signal), number as usize)?;
        }
        Ok(Self { asked, signal })
    }

    /// True once a signal came.
    pub(crate) fn asked(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.asked)
    }

    /// The exit code that tells of the signal.
    pub(crate) fn exit_code(&self) -> u8 {
        let signal = self.signal.load(Ordering::Relaxed);
        SIGNALLED + u8::try_from(signal).unwrap_or(0)
    }
}
