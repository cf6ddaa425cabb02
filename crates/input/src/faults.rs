//! What a read of INPUT that fails means: a bad image, or the end of the run.
//!
//! A dataset must never be sealed with images missing that INPUT still holds, only
//! because INPUT could not be read for a while. So
//!
//! - a read whose error can pass is repeated a few times,
//! - an error of the machine (no file descriptor, no memory) ends the run,
//! - an error of the device makes one image unreadable, and any other error makes it
//!   unusable, only if another image, which was read before, can still be read; in the
//!   first case INPUT itself is looked at, too,
//! - [`IN_A_ROW`] errors of the device, with no good read between them, end the run.
//!   A system may keep the other image in memory while its disk is gone.
//!
//! An image whose read failed has no stamp in the journal. So the run that continues
//! reads it again.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use rxrx_storage::{IoFault, OpenFileError, StoreError, StoreErrorKind, Unreachable};

use crate::read_error::{Cause, ReadError};

/// Pauses before a read is repeated.
const PAUSES: [Duration; 3] = [
    Duration::from_millis(50),
    Duration::from_millis(200),
    Duration::from_millis(500),
];
/// Errors of the device that end the run if no read succeeds between them.
pub(crate) const IN_A_ROW: usize = 16;
/// The name of the input as a whole in errors.
const INPUT: &str = "INPUT";
/// Images that are remembered to be read again.
const GOOD: usize = 4;

/// Reason why INPUT as a whole cannot be read any more.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InputFault {
    /// The machine has no more of something.
    #[error(
        "{0}: this is a limit of the process or the machine (see `ulimit -a` and the free \
         memory), and says nothing about the image"
    )]
    Machine(io::Error),
    /// Another image cannot be read either.
    #[error(
        "{error}; neither can {other} be read, which was good before ({found}): INPUT is \
         unmounted, disconnected or removed"
    )]
    Gone {
        /// The error of the image.
        error: String,
        /// The other image, or INPUT itself.
        other: String,
        /// The error of the other image.
        found: String,
    },
    /// Too many images fail one after the other.
    #[error("{0}; the device failed {IN_A_ROW} times in a row without a good read between")]
    InARow(String),
    /// The archive is no longer the file that was opened.
    #[error(
        "the archive changed while it was read: it had {then} bytes, and has {now} bytes and \
         another time of change; make it whole again"
    )]
    Changed {
        /// Size when it was opened, in bytes.
        then: u64,
        /// Size now, in bytes.
        now: u64,
    },
    /// The archive, which is open, cannot be looked at.
    #[error("{error}; the archive cannot be looked at any more ({found})")]
    Lost {
        /// The error of the image.
        error: String,
        /// The error of the archive.
        found: io::Error,
    },
}

impl From<InputFault> for ReadError {
    fn from(fault: InputFault) -> Self {
        let kind = match &fault {
            InputFault::Changed { .. } => StoreErrorKind::Changed,
            InputFault::Machine(_) => StoreErrorKind::Other,
            InputFault::Gone { .. } | InputFault::InARow(_) | InputFault::Lost { .. } => {
                StoreErrorKind::Unreachable
            }
        };
        Unreachable::from(StoreError::new("read", "INPUT", kind, fault)).into()
    }
}

/// Reads another image, or looks at INPUT itself where there is no path.
pub(crate) type Probe<'a> = &'a dyn Fn(Option<&str>) -> Result<(), String>;

/// The faults of one source so far.
#[derive(Debug)]
pub(crate) struct Faults {
    pauses: &'static [Duration],
    /// Errors of the device since the last good read.
    in_a_row: AtomicUsize,
    /// Images that were read last, and did not fail since. The latest is the last.
    good: Mutex<Vec<String>>,
}

impl Default for Faults {
    fn default() -> Self {
        Self::with_pauses(&PAUSES)
    }
}

impl Faults {
    /// Repeats reads after these pauses.
    pub(crate) fn with_pauses(pauses: &'static [Duration]) -> Self {
        Self {
            pauses,
            in_a_row: AtomicUsize::new(0),
            good: Mutex::default(),
        }
    }

    /// Calls `read` again while its error can pass and there is a pause left.
    pub(crate) fn retry<T>(
        &self,
        mut read: impl FnMut() -> Result<T, OpenFileError>,
    ) -> Result<T, OpenFileError> {
        for pause in self.pauses {
            match read() {
                Err(OpenFileError::Io(error)) if IoFault::of(&error) != IoFault::File => {
                    thread::sleep(*pause);
                }
                done => return done,
            }
        }
        read()
    }

    /// Notes that the image at `path` was read.
    pub(crate) fn note_good(&self, path: &str) {
        self.in_a_row.store(0, Ordering::Relaxed);
        let mut good = self.good.lock().unwrap_or_else(PoisonError::into_inner);
        if good.iter().any(|known| known == path) {
            return;
        }
        if good.len() == GOOD {
            good.remove(0);
        }
        good.push(path.to_owned());
    }

    /// Returns what `error`, which remained after [`Self::retry`], means for the image
    /// at `path`.
    pub(crate) fn judge(&self, path: &str, error: OpenFileError, probe: Probe<'_>) -> ReadError {
        let error = match error {
            OpenFileError::NotAFile(text) => return ReadError::unusable(Cause::NotAFile, text),
            OpenFileError::Io(error) => error,
        };
        match IoFault::of(&error) {
            IoFault::Machine => return InputFault::Machine(error).into(),
            IoFault::Device => {
                let before = self.in_a_row.fetch_add(1, Ordering::Relaxed);
                if before + 1 >= IN_A_ROW {
                    return InputFault::InARow(error.to_string()).into();
                }
                if let Err(found) = probe(None) {
                    return gone(&error.to_string(), INPUT, found);
                }
            }
            IoFault::File => {}
        }
        self.unusable_unless_gone(path, ReadError::from(error), probe)
    }

    /// Returns `error`, if another image can be read.
    pub(crate) fn unusable_unless_gone(
        &self,
        path: &str,
        error: ReadError,
        probe: Probe<'_>,
    ) -> ReadError {
        let mut good = self.good.lock().unwrap_or_else(PoisonError::into_inner);
        good.retain(|known| known != path);
        let others = good.clone();
        drop(good);
        let mut found = Err(String::new());
        let mut failed = INPUT;
        if others.is_empty() {
            found = probe(None);
        }
        for other in others.iter().rev() {
            found = probe(Some(other));
            failed = other;
            if found.is_ok() {
                break;
            }
        }
        match found {
            Ok(()) => error,
            Err(found) => gone(&error.to_string(), failed, found),
        }
    }
}

/// Returns the error of an INPUT of which `other` cannot be read either.
fn gone(error: &str, other: &str, found: String) -> ReadError {
    let fault = InputFault::Gone {
        error: error.to_owned(),
        other: other.to_owned(),
        found,
    };
    fault.into()
}
