//! Progress of work that has no count.

use super::display::Display;
use crate::report::Console;

/// Draws for how long some work goes on, and what it waits for, until it is dropped.
pub(crate) struct StageProgress<'a> {
    _display: Display<'a>,
}

impl<'a> StageProgress<'a> {
    /// Begins to draw the work `verb`, such as `planning`.
    pub(crate) fn new(console: Console<'a>, verb: &'static str) -> Self {
        Self {
            _display: Display::new(console, verb, ""),
        }
    }
}
