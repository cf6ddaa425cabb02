//! The states of OUTPUT.

use rxrx_format::Root;

use crate::journal::{JournalError, Run};

/// What lies at OUTPUT.
#[derive(Debug)]
pub(crate) enum OutputState {
    /// Nothing.
    Free,
    /// A complete dataset; without its root when that is not one that this version
    /// of the program reads.
    Sealed(Option<Box<Root>>),
    /// A run that was cut off, or is under way.
    Unfinished(Box<Run>),
    /// Remains of a run whose description is damaged: it cannot be continued,
    /// only replaced.
    Damaged(JournalError),
    /// Something else.
    Foreign,
}
