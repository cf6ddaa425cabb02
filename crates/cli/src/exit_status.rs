//! Exit codes of the program. `docs/json.md` lists them for users.

use std::process::ExitCode;

use rxrx_writer::PlaneCounts;

/// Result of a command, as the process reports it to its caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ExitStatus {
    /// The command did all that it was told to do.
    Complete,
    /// The command failed and sealed nothing; for `verify` and `info`: the dataset
    /// is not complete, or not as it was recorded.
    Failed,
    /// The command line is wrong.
    WrongUsage,
    /// The dataset is sealed, but some images are missing or could not be used.
    Incomplete,
    /// The images have flaws, and the caller wants to know by the exit code.
    Flagged,
    /// The signal of this number stopped the command.
    Stopped(u8),
}

impl ExitStatus {
    /// Exit code of a program that signal 0 stopped, by the convention of shells.
    pub(crate) const SIGNAL_BASE: u8 = 128;
    /// Status of a command that its caller stopped, in the place of SIGINT.
    pub(crate) const INTERRUPTED: Self = Self::Stopped(2);

    /// Returns the status of a conversion that stored `planes`.
    pub(crate) fn of_planes(planes: PlaneCounts) -> Self {
        if planes.is_complete() {
            Self::Complete
        } else {
            Self::Incomplete
        }
    }

    /// Returns [`Complete`](Self::Complete) if `success`, otherwise
    /// [`Failed`](Self::Failed).
    pub(crate) fn of(success: bool) -> Self {
        if success {
            Self::Complete
        } else {
            Self::Failed
        }
    }

    /// Returns the exit code.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Complete => 0,
            Self::Failed => 1,
            Self::WrongUsage => 2,
            Self::Incomplete => 3,
            Self::Flagged => 4,
            Self::Stopped(signal) => Self::SIGNAL_BASE.saturating_add(signal),
        }
    }
}

impl From<ExitStatus> for ExitCode {
    fn from(status: ExitStatus) -> Self {
        Self::from(status.code())
    }
}
